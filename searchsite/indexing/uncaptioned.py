"""Finds the pictures that no captioner has looked at, so that one that is turned on later does."""

from __future__ import annotations

from typing import LiteralString

from django.db import connection

from searchsite.indexing import caption, plan
from searchsite.jobs import overview, queue
from searchsite.jobs.models import Lane
from searchsite.library.models import Item

AT_ONCE = 5000
# The newest job of a picture tells: none, or one that met no captioner. With `renew` also one that is over and was of
# another captioner or prompt; the hash is what `plan.caption_hash` makes.
LACKING: LiteralString = """
SELECT item.id FROM item JOIN blob ON blob.id = item.blob_id
LEFT JOIN LATERAL (
    SELECT state, input_hash, last_error FROM job
    WHERE job.subject = item.id AND job.kind = %(kind)s ORDER BY job.id DESC LIMIT 1
) AS newest ON true
WHERE item.kind <> 'text' AND item.width IS NOT NULL AND item.trashed_at IS NULL AND (
    newest.state IS NULL
    OR newest.state = 'dead' AND newest.last_error = %(nobody)s
    OR %(renew)s AND newest.state IN ('done', 'dead')
        AND newest.input_hash <> sha256(convert_to(%(recipe)s || blob.sha256, 'UTF8'))
)
ORDER BY item.id DESC LIMIT %(limit)s
"""


def fill(*, renew: bool = False) -> int:
    """Have pictures captioned that lack it, some at a time; returns how many are still on their way.

    renew: also those that another captioner described, or another prompt. That costs as much as the first time.
    """
    if not plan.captions():
        return 0
    on_the_way = overview.open_count(plan.CAPTION)
    if on_the_way > AT_ONCE // 2:
        return on_the_way
    items = Item.objects.select_related("blob").only("id", "team_id", "blob__sha256")
    found = items.in_bulk(lacking(renew=renew)).values()
    queue.enqueue([plan.job(plan.CAPTION, item, lane=Lane.BULK) for item in found])
    return overview.open_count(plan.CAPTION)


def lacking(*, renew: bool = False) -> list[int]:
    """Some pictures that no captioner has looked at, newest first."""
    values: dict[str, str | bool | int] = {
        "kind": plan.CAPTION,
        "nobody": caption.NOT_CONFIGURED,
        "renew": renew,
        "recipe": plan.caption_recipe(),
        "limit": AT_ONCE,
    }
    with connection.cursor() as cursor:
        cursor.execute(LACKING, values)
        return [pk for (pk,) in cursor.fetchall()]

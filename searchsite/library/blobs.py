"""Rows of stored bytes: made once per team, forgotten when nothing names them any more."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from searchsite.library import files
from searchsite.library.files import Received
from searchsite.library.models import Blob, Item, QueryPicture
from searchsite.steps import Step, reached

AT_ONCE, MOST_ROUNDS = 200, 250
KEEP = """
INSERT INTO blob (team_id, sha256, path, size, media_type) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT DO NOTHING RETURNING *
"""


def keep(team_id: int, new: Received, *, media_type: str) -> tuple[Blob, bool]:
    """Place a received file; return its row and whether it is new, so that nothing else can name it yet.

    Call it in a transaction: others with these bytes wait for its end.
    """
    files.lock(new.sha256)
    # The file is durable before the row: a crash in between leaves a file that nothing names, which does no harm.
    path = files.place(new)
    reached(Step.UPLOAD_PLACED)
    made = list(Blob.objects.raw(KEEP, [team_id, new.sha256, path, new.size, media_type]))
    # Under the lock nobody removes the row meanwhile.
    return (made[0], True) if made else (Blob.objects.get(team_id=team_id, sha256=new.sha256), False)


def forget_unused() -> int:
    """Delete the rows, and then the files, that no item and no query picture uses. Returns how many rows."""
    number = 0
    for _ in range(MOST_ROUNDS):
        chosen = list(_unused().values_list("pk", "sha256")[:AT_ONCE])
        number += sum(_forget(pk, sha256) for pk, sha256 in chosen)
        if len(chosen) < AT_ONCE:
            break
    return number


def _unused() -> QuerySet[Blob]:
    items, pictures = (model.objects.filter(blob=OuterRef("pk")) for model in (Item, QueryPicture))
    return Blob.objects.filter(~Exists(items), ~Exists(pictures))


def _forget(pk: int, sha256: str) -> int:
    with transaction.atomic():
        files.lock(sha256)
        number, _ = _unused().filter(pk=pk).delete()
    # Apart from the deletion, so that a crash leaves a file without a row and never a row without its file.
    with transaction.atomic():
        files.lock(sha256)
        if not Blob.objects.filter(sha256=sha256).exists() and files.may_remove():
            files.remove(sha256)
    return number

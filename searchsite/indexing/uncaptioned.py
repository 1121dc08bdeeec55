"""The pictures that no captioner has looked at: how many, what captioning them costs, and having it done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import LiteralString

from django.db import connection

from searchsite import config
from searchsite.accounts import prices
from searchsite.indexing import caption, plan
from searchsite.inference.stages import Endpoint, stages_from
from searchsite.jobs import overview, queue
from searchsite.jobs.models import Lane
from searchsite.library.models import Item

AT_ONCE = 5000
# What a picture takes: itself with the prompt, and the answer.
TOKENS_IN, TOKENS_OUT = 1280 + 150, 200
# The newest job of a picture tells: one that met no captioner, or, with `backlog`, none at all. With `renew` also one
# that is over and was of another captioner or prompt; the hash is what `plan.caption_hash` makes.
LACKING: LiteralString = """
SELECT item.id FROM item JOIN blob ON blob.id = item.blob_id
LEFT JOIN LATERAL (
    SELECT state, input_hash, last_error FROM job
    WHERE job.subject = item.id AND job.kind = %(kind)s ORDER BY job.id DESC LIMIT 1
) AS newest ON true
WHERE item.kind <> 'text' AND item.width IS NOT NULL AND item.trashed_at IS NULL AND (
    %(backlog)s AND newest.state IS NULL
    OR newest.state = 'dead' AND newest.last_error = %(nobody)s
    OR %(renew)s AND newest.state IN ('done', 'dead')
        AND newest.input_hash <> sha256(convert_to(%(recipe)s || blob.sha256, 'UTF8'))
)
ORDER BY item.id DESC LIMIT %(limit)s
"""


@dataclass(frozen=True)
class Backlog:
    """Pictures that the captioner was never asked about, those it is being asked about, and the price in US dollars."""

    captioner: str
    host: str
    pictures: int
    on_the_way: int
    price: Decimal | None
    prices_of: date

    @property
    def cost(self) -> str:
        """The price in words."""
        return str(prices.Estimate(self.price, self.prices_of))


def backlog() -> Backlog | None:
    """What is left to caption; None where no captioner is configured."""
    loaded = config.load()
    endpoint = stages_from(loaded).caption
    if endpoint is None:
        return None
    pictures = len(lacking(limit=None))
    on_the_way = overview.open_count(plan.CAPTION)
    price = _price(endpoint, pictures)
    return Backlog(endpoint.network, endpoint.name, pictures, on_the_way, price, loaded.prices_date)


def cost_of(pictures: int) -> str:
    """In words: what so many captions of the configured captioner cost."""
    loaded = config.load()
    endpoint = stages_from(loaded).caption
    return "" if endpoint is None else str(prices.Estimate(_price(endpoint, pictures), loaded.prices_date))


def _price(endpoint: Endpoint, pictures: int) -> Decimal | None:
    if not pictures or endpoint.is_local:
        return Decimal(0)
    rate = prices.rate_of(endpoint.network, endpoint.host)
    if rate is None:
        return None
    return rate.cost(pictures * TOKENS_IN, output_tokens=pictures * TOKENS_OUT, pictures=pictures)


def resume() -> None:
    """Ask again for the pictures whose turn came while the captioner was turned off. The backlog waits for a person."""
    if plan.captions():
        _ask_for(lacking(backlog=False))


def fill(*, renew: bool = False) -> int:
    """Have pictures captioned that lack it, some at a time; returns how many are still on their way.

    renew: also those that another captioner described, or another prompt. That costs as much as the first time.
    """
    if not plan.captions():
        return 0
    on_the_way = overview.open_count(plan.CAPTION)
    if on_the_way > AT_ONCE // 2:
        return on_the_way
    _ask_for(lacking(renew=renew))
    return overview.open_count(plan.CAPTION)


def lacking(*, renew: bool = False, backlog: bool = True, limit: int | None = AT_ONCE) -> list[int]:
    """Some pictures that no captioner has looked at, newest first; without `backlog` only those that were to be."""
    values: dict[str, str | bool | int | None] = {
        "backlog": backlog,
        "kind": plan.CAPTION,
        "nobody": caption.NOT_CONFIGURED,
        "renew": renew,
        "recipe": plan.caption_recipe(),
        "limit": limit,
    }
    with connection.cursor() as cursor:
        cursor.execute(LACKING, values)
        return [pk for (pk,) in cursor.fetchall()]


def _ask_for(ids: list[int]) -> None:
    items = Item.objects.select_related("blob").only("id", "team_id", "blob__sha256")
    queue.enqueue([plan.job(plan.CAPTION, item, lane=Lane.BULK) for item in items.in_bulk(ids).values()])

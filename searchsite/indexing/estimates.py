"""What a space would cost before it is built, and how far one is that is being built."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import islice

from django.utils.formats import number_format
from django.utils.translation import ngettext

from searchsite import config
from searchsite.accounts import meter, prices
from searchsite.indexing import batches, instructions, plan, provider, spaces, tables, uncaptioned
from searchsite.indexing.inputs import input_of
from searchsite.indexing.models import Space, SpaceStatus
from searchsite.indexing.uncaptioned import Backlog
from searchsite.inference import prompts
from searchsite.inference.client import Client
from searchsite.inference.resizing import EMBED_PIXELS, FACTOR, sides
from searchsite.inference.types import EmbedInput
from searchsite.jobs import overview
from searchsite.library import files
from searchsite.library.models import Channel, Part

# Tokens that the template puts around a text, and more around a picture.
AROUND: Mapping[prompts.Prompt, int] = {"plain": 2, "chat": 20, "instruct": 1}
AROUND_PICTURE = 2
CHARS_A_TOKEN = 3.5
SAMPLE: Mapping[str, int] = {Channel.IMAGE: 8, Channel.TEXT: 32}
# Bytes of a row beside its numbers: its other columns, three indexes, and what pages leave empty. Measured.
ROW_BYTES = 520
# What a table takes before its rows count: the pages that it, its indexes and their maps of free space begin with.
TABLE_BYTES = 144 * 1024
RATE_SECONDS = 60.0
EMBEDDABLE = """
SELECT part.channel, count(*), count(DISTINCT part.item_id), coalesce(sum(length(part.text)), 0)
FROM part JOIN item ON item.id = part.item_id
WHERE (item.kind = 'text' OR item.width IS NOT NULL)
    AND (part.channel = 'image' AND %s OR part.channel = 'text' AND part.text ~ '\\S')
GROUP BY part.channel
"""
STORED = "SELECT count(*) FROM {table} WHERE input_hash <> ''"
SHAPES = """
SELECT item.width, item.height, count(*) FROM part JOIN item ON item.id = part.item_id
WHERE part.channel = 'image' AND item.width IS NOT NULL GROUP BY item.width, item.height
"""
UNITS = ((2**40, "TB"), (2**30, "GB"), (2**20, "MB"), (2**10, "kB"))
DISK = "SELECT pg_total_relation_size(to_regclass(%s))"


@dataclass(frozen=True)
class Estimate:
    """What a space of the configured embedder would take. `price` is None where it is not known; US dollars.

    It holds nothing for the captions that pictures still lack: `captions` tells of those, if there is a captioner.
    """

    embedder: str
    dimensions: int
    takes_pictures: bool
    parts: Mapping[str, int]
    tokens: int
    price: Decimal | None
    prices_of: date
    seconds: float
    disk: int
    captions: Backlog | None

    @property
    def total(self) -> int:
        """All parts together."""
        return sum(self.parts.values())


@dataclass(frozen=True)
class Progress:
    """How far a space is: parts with a vector, of all that should have one.

    `left` is in seconds, where it moves; where it stands still, `reason` says why, if that is known.
    """

    done: int
    of: int
    failed: int
    rate: float
    left: float | None
    reason: str = ""

    @property
    def lacking(self) -> int:
        """Parts still without a vector."""
        return max(self.of - self.done, 0)

    @property
    def percent(self) -> int:
        """Never 100 before the last one is done."""
        return 100 if self.of == 0 else min(100 * self.done // self.of, 100)


@dataclass(frozen=True)
class _Counted:
    parts: dict[str, int]
    items: int
    chars: int


def plan_for(client: Client | None = None) -> Estimate:
    """Count what a space of the configured embedder would hold, and time a few real parts. Raises an InferenceError."""
    client = client or provider.client()
    info, endpoint = client.info(), provider.configured()
    pictures = "image" in info.modalities
    counted = _counted(pictures=pictures)
    around = AROUND[instructions.prompt_of(info.name, info.revision)]
    texts, images = counted.parts.get(Channel.TEXT, 0), counted.parts.get(Channel.IMAGE, 0)
    tokens = round(counted.chars / CHARS_A_TOKEN) + texts * around
    tokens += (_picture_tokens(files.VIEW) if pictures else 0) + images * (around + AROUND_PICTURE)
    price: Decimal | None = Decimal(0)
    if not endpoint.is_local:
        rate = prices.rate_of(endpoint.network, endpoint.host)
        price = None if rate is None else rate.cost(tokens, pictures=images)
    return Estimate(
        embedder=info.name,
        dimensions=info.dimensions,
        takes_pictures=pictures,
        parts=counted.parts,
        tokens=tokens,
        price=price,
        prices_of=config.load().prices_date,
        seconds=_seconds(client, counted.parts),
        disk=TABLE_BYTES + sum(counted.parts.values()) * row_bytes(info.dimensions),
        captions=uncaptioned.backlog(),
    )


def progress(space: Space) -> Progress:
    """How far the space is, and how fast it went in the last minute."""
    counted = _counted(pictures=space.takes_pictures)
    total = sum(counted.parts.values())
    with tables.cursor() as cursor:
        row = cursor.execute(tables.query(STORED, space.pk)).fetchone()
    done = min(int(row[0]) if row else 0, total)
    if space.status == SpaceStatus.RETIRED:
        return Progress(done, total, 0, 0.0, None)
    where = [space.pk] if space.status == SpaceStatus.BUILDING else [None, space.pk]
    items = overview.done_within(plan.EMBED, where, seconds=RATE_SECONDS)
    rate = items / RATE_SECONDS * total / max(counted.items, 1)
    left = (total - done) / rate if rate else None
    reason = "" if rate or done == total else overview.why_waiting(plan.EMBED, where)
    return Progress(done, total, overview.failed_count(plan.EMBED, where), rate, left, reason)


def disk(space: Space) -> int:
    """Bytes of the space's table with its indexes."""
    with tables.cursor() as cursor:
        row = cursor.execute(DISK, [tables.name(space.pk)]).fetchone()
    return int(row[0] or 0) if row else 0


def row_bytes(dimensions: int) -> int:
    """What one vector takes: two bytes a number, and its code of one bit a number, twice."""
    return round(dimensions * 2.2) + dimensions // 4 + ROW_BYTES


def counted(number: int, noun: str) -> str:
    """So many of something, in the singular where it is one."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def duration(seconds: float) -> str:
    """A time in the unit that fits."""
    days, hours, minutes = (round(seconds / length) for length in (86_400, 3600, 60))
    if seconds >= 2 * 86_400:
        return ngettext("%(n)s day", "%(n)s days", days) % {"n": days}
    if seconds >= 2 * 3600:
        return ngettext("%(n)s hour", "%(n)s hours", hours) % {"n": hours}
    if seconds >= 2 * 60:
        return ngettext("%(n)s minute", "%(n)s minutes", minutes) % {"n": minutes}
    rest = round(max(seconds, 1))
    return ngettext("%(n)s second", "%(n)s seconds", rest) % {"n": rest}


def size(number: int) -> str:
    """An amount of bytes in the unit that fits."""
    for length, name in UNITS:
        if number >= length:
            return f"{number_format(f'{number / length:.1f}')} {name}"
    return ngettext("%(n)s byte", "%(n)s bytes", number) % {"n": number}


def _counted(*, pictures: bool) -> _Counted:
    with tables.cursor() as cursor:
        rows = cursor.execute(EMBEDDABLE, [pictures]).fetchall()
    parts = {channel: int(number) for channel, number, _, _ in rows}
    return _Counted(parts, max((int(items) for _, _, items, _ in rows), default=0), sum(int(row[3]) for row in rows))


def _picture_tokens(longest: int) -> int:
    """One token each 32 x 32 pixels of what the embedder is shown of each picture."""
    with tables.cursor() as cursor:
        shapes: Iterable[tuple[int, int, int]] = cursor.execute(SHAPES).fetchall()
    total = 0
    for width, height, number in shapes:
        shrink = min(1.0, longest / max(width, height, 1))
        wide, high = sides(max(round(width * shrink), 1), max(round(height * shrink), 1), EMBED_PIXELS)
        total += number * (wide // FACTOR) * (high // FACTOR)
    return total


def _seconds(client: Client, parts: Mapping[str, int]) -> float:
    """How long it takes at the pace of a few real parts, with as many calls on their way as workers make."""
    at_once = 1 if provider.configured().is_local else config.load().embeds_at_once
    return sum(number * _pace(client, channel) for channel, number in parts.items()) / at_once


def _pace(client: Client, channel: str) -> float:
    """Seconds a part takes in a call that holds several."""
    size = str(spaces.PICTURE_SIZES.get(client.info().name, files.VIEW))
    parts = Part.objects.filter(channel=channel).exclude(channel=Channel.TEXT, text="").select_related("item__blob")
    inputs: list[EmbedInput] = []
    for part in islice(parts.defer("search", "item__title_search").order_by("-id")[:100], 100):
        if len(inputs) == min(SAMPLE[channel], batches.AT_ONCE):
            break
        try:
            if part.channel == Channel.TEXT or (part.item.blob is not None and part.item.width is not None):
                inputs.append(input_of(Space(pixel_policy=size), part))
        except FileNotFoundError:
            continue
    if not inputs:
        return 0.0
    start = time.monotonic()
    with meter.paying([None]):
        client.embed(inputs, purpose="document")
    return (time.monotonic() - start) / len(inputs)

"""What items lack, stage by stage, looked up in what is really there; and having it made.

A job that says "done" is no proof: a vector, a caption or a file on the disk may have gone since. So the parts, the
vectors and the files are looked at, and the jobs only tell whether somebody is at it already, or has failed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from searchsite.indexing import caption, metering, plan, provider, spaces, tables, uncaptioned
from searchsite.jobs import overview, queue
from searchsite.jobs.models import Job, Lane, State
from searchsite.jobs.overview import Stage
from searchsite.library import files
from searchsite.library.models import Item, Kind, Part, PartRole

AT_ONCE = 1000
OPEN = {State.READY, State.RUNNING}
MISSING, ON_THE_WAY, FAILED, LOST, THERE = "missing", "on the way", "failed", "lost", "there"
SAYS = {plan.READ: PartRole.OCR, plan.CAPTION: PartRole.CAPTION}


@dataclass(frozen=True)
class Found:
    """How many items lack what a stage makes.

    missing: nobody is at it. failed: trying again is another verb. lost: the file itself is gone, so nothing can be
    made of it. cost: what making the missing ones costs, in words, where it does.
    """

    kind: str
    configured: bool = True
    missing: int = 0
    on_the_way: int = 0
    failed: int = 0
    lost: int = 0
    cost: str = ""


def look(kind: str, *, team_id: int | None = None) -> Found:
    """Count what a stage has not made, in one team or in all. It changes nothing."""
    counts = dict.fromkeys((MISSING, ON_THE_WAY, FAILED, LOST, THERE), 0)
    for _item, how in lacking(kind, team_id):
        counts[how] += 1
    missing = counts[MISSING]
    return Found(
        kind,
        plan.is_configured(kind),
        missing,
        counts[ON_THE_WAY],
        counts[FAILED],
        counts[LOST],
        _cost(kind, missing) if missing else "",
    )


def enqueue_missing(kind: str, *, team_id: int | None = None) -> int:
    """Have what is missing made, in the bulk lane; returns how many items. Asking twice does it once."""
    some: list[Job] = []
    number = 0
    for item, how in lacking(kind, team_id):
        if how == MISSING:
            some.append(_job(kind, item))
            number += 1
        if len(some) == AT_ONCE:
            queue.enqueue(some)
            some = []
    queue.enqueue(some)
    return number


def lacking(kind: str, team_id: int | None = None) -> Iterator[tuple[Item, str]]:
    """Each item that lacks what the stage makes, and how that stands."""
    if not plan.is_configured(kind):
        return
    space = spaces.active() if kind == plan.EMBED else None
    where = (None,) if space is None else (None, space.pk)
    for some in _candidates(kind, team_id):
        jobs = overview.stages([item.pk for item in some], where)
        for item in some:
            how = _standing(kind, item, jobs.get(item.pk, {}))
            if how != THERE:
                yield item, how


def _candidates(kind: str, team_id: int | None) -> Iterator[list[Item]]:
    """Items in which something may be missing, a batch at a time, newest first."""
    items = Item.objects.select_related("blob").filter(trashed_at=None)
    items = items if team_id is None else items.filter(team_id=team_id)
    items = items.only("id", "team_id", "kind", "width", "height", "blob__sha256", "blob__path").order_by("-id")
    pictures = items.exclude(kind=Kind.TEXT)
    if kind == plan.DECODE:
        return _batches(pictures.filter(blob__isnull=False))
    if kind == plan.EMBED:
        return _without_vectors(items)
    said = Part.objects.filter(item=OuterRef("pk"), role=SAYS[kind])
    return _batches(pictures.filter(~Exists(said), width__isnull=False))


def _batches(items: QuerySet[Item]) -> Iterator[list[Item]]:
    before = tables.BEYOND_ALL
    while some := list(items.filter(pk__lt=before)[:AT_ONCE]):
        yield some
        before = some[-1].pk


def _without_vectors(items: QuerySet[Item]) -> Iterator[list[Item]]:
    space = spaces.active()
    if space is None:
        # The first one to be embedded makes the space.
        yield from _batches(items.filter(Q(kind=Kind.TEXT) | Q(width__isnull=False)))
        return
    before = tables.BEYOND_ALL
    while ids := tables.lacking(space.pk, pictures=space.takes_pictures, limit=AT_ONCE, before=before):
        yield list(items.filter(pk__in=ids))
        before = ids[-1]


def _standing(kind: str, item: Item, jobs: dict[str, Stage]) -> str:
    own = jobs.get(kind)
    if kind == plan.DECODE and not _lacks_pictures(item):
        return THERE
    if kind == plan.DECODE and item.blob is not None and not files.original_path(item.blob).exists():
        return LOST
    if any(stage.state in OPEN for name, stage in jobs.items() if _leads_to(name, kind)):
        return ON_THE_WAY
    if own is not None and own.state == State.DEAD and own.error != caption.NOT_CONFIGURED:
        return FAILED
    # In a picture that was read there may be nothing to read.
    return THERE if kind == plan.READ and own is not None and own.state == State.DONE else MISSING


def _leads_to(name: str, kind: str) -> bool:
    """Whether the end of a job of that name brings what the stage makes: each stage writes what is then embedded."""
    return name in (kind, plan.DECODE) or kind == plan.EMBED


def _lacks_pictures(item: Item) -> bool:
    if item.blob is None or not item.width or not item.height:
        return item.blob is not None
    longest, smaller = max(item.width, item.height), (0, *files.SIZES)
    paths = files.derivative_paths(files.original_path(item.blob))
    # As the decoder does it: of the sizes at or above the picture's own, only the smallest.
    needed = [path for path, below in zip(paths, smaller, strict=False) if below == 0 or below < longest]
    return not all(path.exists() for path in needed)


def _job(kind: str, item: Item) -> Job:
    made = plan.job(kind, item, lane=Lane.BULK)
    if kind == plan.DECODE and item.width:
        # Its caption is there, and is not paid for a second time.
        made.input_hash = plan.PICTURES_ONLY
    return made


def _cost(kind: str, number: int) -> str:
    if kind == plan.CAPTION:
        return uncaptioned.cost_of(number)
    if kind != plan.EMBED:
        return ""
    space = spaces.active()
    endpoint = provider.configured() if space is None else provider.endpoint_of(space)
    return "" if metering.is_free(endpoint) else _("paid by use at {host}").format(host=endpoint.host)

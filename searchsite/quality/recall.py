"""How many of the truly nearest a search finds: a sample of questions, each answered by the way and compared exactly.

What falls short has more candidates compared from then on; what has plenty to spare, fewer.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import mean

import structlog
from django.db import transaction
from django.utils import timezone

from searchsite.accounts import meter
from searchsite.indexing import centres, indexes, spaces, tables
from searchsite.indexing.models import Space
from searchsite.inference.errors import InferenceError
from searchsite.inference.types import Vectors
from searchsite.library.models import Channel, Collection
from searchsite.library.scope import scope_for
from searchsite.quality import judging
from searchsite.quality.models import StoredQuestion
from searchsite.search import asking, vectors
from searchsite.search.bounds import Bounds
from searchsite.search.wrong import BadQuestion

log = structlog.get_logger()
QUESTIONS, STORED, FEWEST, SECONDS = 60, 20, 10, 60.0
"""Of a channel at most, of people at most, and at least; and for how long they are compared: exactly, a million vectors
take a second.
"""
WANTED, PLENTY = 0.98, 0.998
MORE = 2.0
K = 10
TIE = 1e-4
"""Similarities that near are the same: who stands eleventh by so little is as good as the tenth."""
EVERY_SECONDS, GROWN = 24 * 3600.0, 1.5


@dataclass(frozen=True)
class Measured:
    """Recall@10 of one channel, over so many questions, with so many candidates compared."""

    recall: float
    questions: int
    candidates: int


def check(space: Space, *, seconds: float = SECONDS, seed: int | None = None) -> dict[str, Measured]:
    """Measure each channel that is not compared exactly anyway, and set how many candidates it compares from now on."""
    found: dict[str, Measured] = {}
    for channel in Channel.values:
        if centres.centre_of(space, channel) is None:
            continue
        measured = measure(space, channel, questions(space, channel), seconds=seconds, chance=random.Random(seed))
        if measured is not None:
            found[channel] = measured
            _note(space, channel, measured)
    return found


def is_due(space: Space, channel: str) -> bool:
    """Whether the channel was last measured a day ago, or when it was much smaller, or never."""
    if centres.centre_of(space, channel) is None:
        return False
    noted = space.recall.get(channel)
    if noted is None or noted["graph"] != indexes.is_ready(space, channel):
        return True
    old = time.time() - float(noted["at"]) > EVERY_SECONDS
    return old or indexes.estimated(space, channel) > GROWN * int(noted["vectors"])


def tend() -> None:
    """Measure what is due."""
    for space in spaces.filling():
        if any(is_due(space, channel) for channel in Channel.values):
            check(space)


def questions(space: Space, channel: str) -> list[Vectors]:
    """Vectors to ask by: of what people stored to ask again, and of items, as "more like this" does."""
    asked = _stored(space)
    own = tables.sample(space.pk, channel, QUESTIONS - len(asked), of=indexes.estimated(space, channel))
    return [*asked, *own]


def _stored(space: Space) -> list[Vectors]:
    """Vectors of some stored questions; fewer where the embedder does not answer, or a budget is spent."""
    found: list[Vectors] = []
    for stored in StoredQuestion.objects.select_related("asked_by").order_by("?")[:STORED]:
        try:
            question = judging.read(stored.address)
            terms = asking.resolve(question.terms, scope_for(stored.asked_by, stored.team_id))
            with meter.paying([stored.team_id]):
                vector = asking.vector_of(asking.seeable(terms, space), space, question) if terms else None
        except InferenceError as error:
            log.info("some stored questions are left out", error=error.message)
            break
        except BadQuestion:
            continue
        found += [] if vector is None else [vector]
    return found


def measure(
    space: Space, channel: str, asked: Iterable[Vectors], *, seconds: float, chance: random.Random
) -> Measured | None:
    """Recall@10 over everything, and every second time in one collection alone; None where too few could be asked."""
    until = time.monotonic() + seconds
    places = list(Collection.objects.values_list("team_id", "id"))
    everywhere = Bounds(0, tuple(pk for _team, pk in places))
    recalls: list[float] = []
    for number, vector in enumerate(asked):
        if time.monotonic() > until and len(recalls) >= FEWEST:
            break
        team, place = chance.choice(places)
        share = _share(space, channel, vector, everywhere if number % 2 == 0 else Bounds(team, (place,)))
        recalls += [] if share is None else [share]
    if len(recalls) < FEWEST:
        return None
    return Measured(mean(recalls), len(recalls), vectors.candidates_of(space, channel))


def _share(space: Space, channel: str, vector: Vectors, bounds: Bounds) -> float | None:
    truly = vectors.compared(space, channel, vector, bounds, depth=K)
    if not truly:
        return None
    found = vectors.nearest(space, channel, vector, bounds)
    last = truly[-1].similarity or 0.0
    return sum((near.similarity or 0.0) >= last - TIE for near in found[: len(truly)]) / len(truly)


def _note(space: Space, channel: str, measured: Measured) -> None:
    candidates = measured.candidates
    if measured.recall < WANTED:
        # More than are shown are compared at any rate, so that twice as many must be more than those.
        candidates = min(round(MORE * max(candidates, vectors.DEPTH)), vectors.MOST_WALKED)
    elif measured.recall >= PLENTY:
        candidates = max(round(candidates / MORE), vectors.FEWEST_CANDIDATES)
    noted = {
        "recall": round(measured.recall, 4),
        "questions": measured.questions,
        "candidates": candidates,
        "graph": indexes.is_ready(space, channel),
        "vectors": indexes.estimated(space, channel),
        "at": timezone.now().timestamp(),
    }
    with transaction.atomic():
        current = Space.objects.select_for_update().get(pk=space.pk)
        current.recall[channel] = noted
        current.save(update_fields=["recall"])
    space.recall[channel] = noted
    log.info("recall measured", space=space.pk, channel=channel, **noted)

"""What similarities mean in a space: how near unrelated things come, and how near lies what belongs together.

For each kind of question and each channel, questions that nothing answers and those of the pairs are compared with a
sample of the library; what each of them finds best is the null distribution. Its lower half says where the upper one
would end if nothing in the library fitted: what really fits lies in the upper half, and must not move the levels. A
similarity counts by how much it is above what the question has in common with the whole channel (`mean`). Single words,
and letters that are none most of all, are nearer to anything than sentences are: they have levels of their own.
"""

from __future__ import annotations

import base64
import math
import time
from collections.abc import Mapping, Sequence
from typing import Any, LiteralString, TypeAlias

import numpy as np
import structlog
from django.core.cache import caches
from django.db import transaction
from numpy.typing import NDArray

from searchsite.accounts import meter
from searchsite.indexing import instructions, pairs, spaces, tables
from searchsite.indexing.alone import Work, alone
from searchsite.indexing.models import Space, SpaceStatus
from searchsite.inference.errors import InferenceError
from searchsite.inference.types import EmbedInput, Purpose, Vectors
from searchsite.library.models import Channel

log = structlog.get_logger()
RULE, INPUTS = 2, 1
"""Raise RULE when levels are derived in another way: every space is calibrated anew. Raise INPUTS when what is embedded
for it changes, in place or in order: it is paid for once more.
"""
SAMPLE, AT_ONCE = 2000, 8
# Of a library that grew so much the null is another one; the first few items tell little.
GROWN, FEWEST = 4, 100
LOOK_EVERY, TRY_AGAIN, KEPT_SECONDS = 300.0, 120.0, 30 * 24 * 3600.0
# Unrelated questions that find nothing as alike by chance: 39 in forty, nine in ten, one in four.
STRONG, LIKELY_MOST, LIKELY_LEAST = 0.975, 0.9, 0.25
MATCHED = 0.05
PICTURED = "picture-"
"""Before a channel: its levels for questions that are pictures."""
SHORT = "short-"
"""Before a channel: its levels for questions of a single word."""
SIZE: LiteralString = """
SELECT CASE WHEN reltuples > 20000 THEN reltuples::bigint ELSE (SELECT count(*) FROM {table}) END
FROM pg_class WHERE oid = to_regclass(%s)
"""
# Whole blocks are drawn, so that it costs the same in any library. Where pictures have vectors of their own, what was
# guessed of them says the same once more, in single words that anything is a little alike to.
DRAWN: LiteralString = """
SELECT v.vector FROM {table} AS v TABLESAMPLE SYSTEM (%s::real) REPEATABLE (5)
WHERE v.channel = %s AND (%s OR (SELECT part.role <> 'tags' FROM part WHERE part.id = v.part_id)) LIMIT %s
"""
Similarities: TypeAlias = NDArray[np.float32]
Numbers: TypeAlias = Sequence[float] | Similarities
_next_look: dict[int, float] = {}


def improve(space: Space, *, seconds: float) -> None:
    """Calibrate a space that answers, where that is due; for a while, then again from there. Away: tried later.

    One process at a time does it, and what one has embedded is there for the next.
    """
    if space.status != SpaceStatus.ACTIVE or time.monotonic() < _next_look.get(space.pk, 0.0):
        return
    size = size_of(space)
    if not is_due(space, size):
        _next_look[space.pk] = time.monotonic() + LOOK_EVERY
        return
    with alone(Work.CALIBRATION, space) as first:
        if not first:
            return
        try:
            embedded = _embedded(space, time.monotonic() + seconds)
        except InferenceError as error:
            log.info("not calibrated yet", space=space.pk, error=error.message)
            _next_look[space.pk] = time.monotonic() + TRY_AGAIN
            return
        if embedded is not None:
            _keep(space, measured(space, embedded) | {"of": {"vectors": size, "rule": RULE}})


def is_due(space: Space, size: int) -> bool:
    """Whether a space of so many vectors has no levels, those of an earlier rule, or those of a far smaller library."""
    known: Mapping[str, Any] = space.calibration.get("of", {})
    return known.get("rule") != RULE or size >= GROWN * max(known["vectors"], FEWEST)


def size_of(space: Space) -> int:
    """How many vectors the space has; of many, as Postgres last counted."""
    with tables.cursor() as cursor:
        row = cursor.execute(tables.query(SIZE, space.pk), [tables.name(space.pk)]).fetchone()
    return int(row[0]) if row else 0


def measured(space: Space, embedded: Mapping[str, Vectors]) -> dict[str, Any]:
    """Levels by channel, of the embedded pairs and of a sample of the library."""
    questions, unrelated = embedded["questions"], embedded["unrelated"]
    short = [embedded[name] for name in pairs.SHORT]
    said = [embedded["passages"], *([embedded["captions"]] if space.takes_pictures else [])]
    texts = _Channel(np.vstack(said), sample(space, Channel.TEXT))
    asked = np.vstack([questions, unrelated])
    own = np.arange(len(questions))
    found: dict[str, Any] = {Channel.TEXT.value: texts.levels(asked, own) | texts.written_mean}
    found[SHORT + Channel.TEXT] = texts.strange(*short)
    if space.takes_pictures:
        described, again = embedded["descriptions"], embedded["again"]
        pictures, places = _Channel(embedded["pictures"], sample(space, Channel.IMAGE)), np.arange(len(again))
        # The library may hold the very same pictures: those who describe them are no strangers to it.
        strange = pictures.best(asked)
        found[Channel.IMAGE.value] = (
            levels(strange, pictures.to_own(described, places), pictures.floor(asked)) | pictures.written_mean
        )
        found[SHORT + Channel.IMAGE] = pictures.strange(*short)
        # A part of the same picture is nearer than what people take for alike, so that no pair says what is likely.
        twice = pictures.best(again, places, turn=2)
        found[PICTURED + Channel.IMAGE] = levels(twice, (), pictures.floor(again))
        written = texts.best(again, places + len(embedded["passages"]))
        found[PICTURED + Channel.TEXT] = levels(written, (), texts.floor(again))
    return found


def levels(best: Numbers, matched: Numbers, floor: float) -> dict[str, float]:
    """Derive the levels: `strong`, `likely`, and the `floor` of plain cosines that one unrelated pair in 20 exceeds.

    best: how alike each question finds what is most alike to it, though nothing answers it; matched: how alike are
    pairs that belong together. Strong is what one unrelated question in forty finds; likely, what 19 of 20 pairs reach,
    but no more than one unrelated question in ten finds, and no less than three in four do; that, without pairs.
    """
    lower, middle = (float(np.quantile(best, share)) for share in (0.25, 0.5))
    # Gumbel's law, that of the best of many, through these two.
    scale = max(middle - lower, 1e-4) / (_gumbel(0.5) - _gumbel(0.25))

    def at(share: float) -> float:
        return middle + scale * (_gumbel(share) - _gumbel(0.5))

    reached = float(np.quantile(matched, MATCHED)) if len(matched) else at(LIKELY_LEAST)
    likely = min(max(reached, at(LIKELY_LEAST)), at(LIKELY_MOST))
    # What fits by chance pushes what was seen up; where few are unlike, the law ends too high.
    strong = max(min(at(STRONG), float(np.quantile(best, STRONG))), likely)
    return {"strong": round(strong, 4), "likely": round(likely, 4), "floor": round(floor, 4)}


def sample(space: Space, channel: str) -> Vectors:
    """Some of a channel's vectors, at most SAMPLE."""
    share = min(100.0, 100.0 * 3 * SAMPLE / max(size_of(space), 1))
    values = [share, channel, channel == Channel.IMAGE or not space.takes_pictures, SAMPLE]
    with tables.cursor() as cursor:
        rows = cursor.execute(tables.query(DRAWN, space.pk), values, binary=True).fetchall()
    drawn = [vector.to_numpy() for (vector,) in rows]
    return np.asarray(drawn, dtype=np.float32).reshape(len(drawn), space.dimensions)


class _Channel:
    """Documents of one channel: those of the pairs, first, and those drawn from the library."""

    def __init__(self, own: Vectors, drawn: Vectors) -> None:
        self._own = own
        self._all = np.vstack([own, drawn])
        self._mean: Vectors = (drawn if len(drawn) >= FEWEST else self._all).mean(axis=0)

    @property
    def written_mean(self) -> dict[str, str]:
        return {"mean": base64.b64encode(self._mean.astype("<f2").tobytes()).decode()}

    def levels(self, asked: Vectors, places: NDArray[np.int_]) -> dict[str, float]:
        """Levels for questions of which the first ones are answered by the channel's own documents at these places."""
        return levels(self.best(asked, places), self.to_own(asked, places), self.floor(asked))

    def strange(self, words: Vectors, letters: Vectors) -> dict[str, float]:
        """Levels for single words, of those that nothing answers. Letters that are no word find more by chance, so that
        both together follow no law. They raise what is strong alone: what is likely is for those who mean a word.
        """
        found, other = (levels(self.best(asked), (), self.floor(asked)) for asked in (words, letters))
        return found | {"strong": max(found["strong"], other["strong"])}

    def best(self, asked: Vectors, places: NDArray[np.int_] | None = None, *, turn: int = 1) -> Similarities:
        """How alike is what each question finds first, its answer aside; or second, as the first may be its answer."""
        found = asked @ self._all.T - (asked @ self._mean)[:, None]
        if places is not None:
            found[np.arange(len(places)), places] = -1.0
        best: Similarities = np.sort(found, axis=1)[:, -turn]
        return best

    def to_own(self, asked: Vectors, places: NDArray[np.int_]) -> Similarities:
        """How alike the first questions are to their answers."""
        some = asked[: len(places)]
        alike: Similarities = np.sum(some * self._own[places], axis=1) - some @ self._mean
        return alike

    def floor(self, asked: Vectors) -> float:
        """The cosine that one pair in twenty exceeds."""
        return float(np.quantile(asked @ self._all.T, 0.95))


def _embedded(space: Space, until: float) -> dict[str, Vectors] | None:
    """The pairs as vectors; None where time ran out. What was made and paid for is kept for any process."""
    client = spaces.embedder_of(space)
    found: dict[str, list[Vectors]] = {}
    for name, (purpose, instruction, inputs) in _inputs(space).items():
        for start in range(0, len(inputs), AT_ONCE):
            key = f"pairs:{space.pk}:{INPUTS}:{name}:{start}"
            vectors = caches["lists"].get(key)
            if vectors is None:
                if time.monotonic() > until:
                    return None
                with meter.paying([None]):
                    some = inputs[start : start + AT_ONCE]
                    vectors = np.asarray(
                        client.embed(some, purpose=purpose, instruction=instruction).vectors, np.float32
                    )
                caches["lists"].set(key, vectors, KEPT_SECONDS)
            found.setdefault(name, []).append(vectors)
    return {name: np.vstack(vectors) for name, vectors in found.items()}


def _inputs(space: Space) -> dict[str, tuple[Purpose, str | None, list[EmbedInput]]]:
    """What is embedded, as questions and documents of the library are."""
    general = instructions.of(space, "general")
    written = pairs.texts()
    found: dict[str, tuple[Purpose, str | None, list[EmbedInput]]] = {
        "questions": ("query", general, [pair.question for pair in written]),
        "unrelated": ("query", general, list(pairs.unrelated())),
        **{name: ("query", general, list(pairs.short(name))) for name in pairs.SHORT},
        "passages": ("document", None, [pair.answer for pair in written]),
    }
    if space.takes_pictures:
        shown = pairs.pictures()
        found |= {
            "descriptions": ("query", general, [pair.question for pair in shown]),
            "captions": ("document", None, [pair.question for pair in shown]),
            "pictures": ("document", None, [pair.answer for pair in shown]),
            "again": ("query", instructions.of(space, "similar"), [pair.again for pair in shown if pair.again]),
        }
    return found


def _gumbel(share: float) -> float:
    return -math.log(-math.log(share))


@transaction.atomic
def _keep(space: Space, made: dict[str, Any]) -> None:
    current = Space.objects.select_for_update().get(pk=space.pk)
    current.calibration = made
    current.save(update_fields=["calibration"])
    log.info("calibrated", space=space.pk, **{name: one for name, one in made.items() if name == "of"})


def forget() -> None:
    """Look at every space anew."""
    _next_look.clear()

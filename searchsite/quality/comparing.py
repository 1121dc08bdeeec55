"""Two ways to search beside each other, on what a person saved or marked, before one takes the other's place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from searchsite.library.scope import Scope
from searchsite.quality import judged, judging, runs, scoring
from searchsite.quality.judged import Judged
from searchsite.quality.runs import Configuration
from searchsite.search.find import Hit
from searchsite.search.questions import BadQuestion

MOST = 50
SECONDS = 20.0
"""For both sides together; questions beyond that are left out, and counted."""


@dataclass(frozen=True)
class Pair:
    """One question with both lists. figures: left and right, where an answer is known."""

    one: Judged
    left: Sequence[UUID]
    right: Sequence[UUID]
    figures: tuple[dict[str, float], dict[str, float]] | None

    @property
    def overlap(self) -> float:
        """Which share of the first ten both have."""
        return scoring.overlap(self.left, self.right)

    @property
    def rbo(self) -> float:
        """The same, with the first places counting most."""
        return scoring.rbo(self.left, self.right)

    @property
    def change(self) -> float:
        """By how much nDCG@10 is better on the right."""
        return self.figures[1]["ndcg@10"] - self.figures[0]["ndcg@10"] if self.figures else 0.0


@dataclass(frozen=True)
class Comparison:
    """All pairs, those that differ most first. why: the last reason why questions were left out, for people."""

    pairs: Sequence[Pair]
    left_out: int
    why: str

    @property
    def known(self) -> list[Pair]:
        """Those of which an answer is known."""
        return [pair for pair in self.pairs if pair.figures is not None]

    @property
    def overlap(self) -> float:
        """The mean over all questions."""
        return sum(pair.overlap for pair in self.pairs) / len(self.pairs) if self.pairs else 0.0

    @property
    def rbo(self) -> float:
        """The mean over all questions."""
        return sum(pair.rbo for pair in self.pairs) / len(self.pairs) if self.pairs else 0.0

    @property
    def figures(self) -> tuple[dict[str, float], dict[str, float]]:
        """The means of left and right over the questions of which an answer is known."""
        both = [pair.figures for pair in self.known if pair.figures is not None]
        return scoring.mean([left for left, _ in both]), scoring.mean([right for _, right in both])


def questions(scope: Scope, *, most: int = MOST) -> list[Judged]:
    """What the person saved, then what was judged in the team as far as they see an answer; each within their scope."""
    known = {judging.digest_of(one.stored.address): one for one in judged.for_viewer(scope) if one.stored}
    chosen: dict[str, Judged] = {}
    for stored in judging.saved(scope):
        try:
            plain = Judged(str(stored.public_id), judging.read(stored.address), scope, {}, stored=stored)
        except BadQuestion:
            continue
        found = known.get(stored.digest, plain)
        chosen[stored.digest] = replace(found, id=plain.id, stored=stored)
    return [*chosen.values(), *(one for digest, one in known.items() if digest not in chosen)][:most]


def compare(
    asked: Sequence[Judged], left: Configuration, right: Configuration, *, seconds: float = SECONDS
) -> Comparison:
    """Ask each question both ways. One that either side answers only in part is left out."""
    first = runs.measure(asked, left, seconds=seconds / 2)
    second = runs.measure(first.asked, right, seconds=seconds / 2)
    lists = {one.id: ranked for one, ranked in zip(first.asked, first.lists, strict=True)}
    pairs = [
        Pair(one, lists[one.id], ranked, _figures(one, lists[one.id], ranked))
        for one, ranked in zip(second.asked, second.lists, strict=True)
    ]
    pairs.sort(key=lambda pair: (pair.change, pair.overlap))
    return Comparison(pairs, first.left_out + second.left_out, second.why or first.why)


def hits(one: Judged, how: Configuration) -> Sequence[Hit]:
    """The first ten of one side, for looking at. Raises BadQuestion, and Unanswered."""
    return runs.found(one.question, one, how).hits


def _figures(
    one: Judged, left: Sequence[UUID], right: Sequence[UUID]
) -> tuple[dict[str, float], dict[str, float]] | None:
    if not any(one.grades.values()):
        return None
    return scoring.figures(left, one.grades), scoring.figures(right, one.grades)

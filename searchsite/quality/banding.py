"""How well the bands hold: what a right answer is rated, and what questions that mean nothing find."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from searchsite.quality.filling import Filled
from searchsite.quality.measuring import Answered
from searchsite.quality.sets import OPEN_LANGUAGE, digest, half_of
from searchsite.search import find
from searchsite.search.questions import MOST_HITS, Filters, Question, Term

NONSENSE = Path(__file__).with_name("nonsense.txt")
"""200 questions that nothing answers: mashed keys, words thrown together, tales of what is not, codes of nothing."""
HALVES = ("half for tuning", "half kept aside")


@dataclass(frozen=True)
class Bare:
    """A question that means nothing, asked of one shelf: whether a hit is strong, and how many are not weak."""

    text: str
    shelf: str
    strong: bool
    shown: int

    @property
    def half(self) -> int:
        """0 or 1, by hash: the half that it belongs to."""
        return digest(self.text, "half") % 2


@dataclass(frozen=True)
class Held:
    """A group of questions. shares of right answers in the first ten, or of questions that mean nothing.

    kept: not weak, or that nothing fits; strong: with a strong band, or with any strong hit.
    """

    group: str
    half: str
    number: int
    kept: float
    strong: float


def nonsense() -> list[str]:
    """The questions that nothing answers."""
    return NONSENSE.read_text(encoding="utf-8").splitlines()


def ask_nonsense(filled: Filled, questions: Iterable[str]) -> Iterator[Bare]:
    """Ask each of every shelf."""
    for text in questions:
        for shelf, collection in filled.shelves.items():
            filters = Filters(collections=(collection.public_id,))
            asked = Question((Term(text=text),), filters, limit=MOST_HITS, rerank=False, weak=False)
            results = find.find(asked, filled.scope)
            strong = any(hit.band == "strong" for hit in results.hits)
            yield Bare(text, shelf, strong, results.total_estimate)


def held(answered: Sequence[Answered], bare: Sequence[Bare]) -> list[Held]:
    """By direction, English or not, and half: what became of the right answers; by shelf: of the nonsense."""
    found: list[Held] = []
    right = [one for one in answered if one.band is not None]
    for half, name in enumerate(HALVES):
        for group in dict.fromkeys(map(_group, right)):
            bands = [one.band for one in right if _group(one) == group and half_of(one.asking) == half]
            found += _line(group, name, [band != "weak" for band in bands], [band == "strong" for band in bands])
        for shelf in dict.fromkeys(one.shelf for one in bare):
            some = [one for one in bare if one.shelf == shelf and one.half == half]
            nothing = [not one.shown for one in some]
            found += _line(f"nonsense over {shelf}", name, nothing, [one.strong for one in some])
    return found


def as_text(found: Iterable[Held]) -> list[str]:
    """Rows for a terminal, and for a document as they are."""
    rows = ["| question | half | number | right answers unfolded, or nonsense with nothing that fits | strong |"]
    rows.append("|---|---|---|---|---|")
    return rows + [f"| {one.group} | {one.half} | {one.number} | {one.kept:.1%} | {one.strong:.1%} |" for one in found]


def _group(one: Answered) -> str:
    plain = one.asking.language in ("en", OPEN_LANGUAGE)
    return one.asking.direction if plain else f"{one.asking.direction}, other languages"


def _line(group: str, half: str, kept: Sequence[bool], strong: Sequence[bool]) -> list[Held]:
    number = len(kept)
    return [Held(group, half, number, sum(kept) / number, sum(strong) / number)] if number else []

"""Why an item was found: each channel, what of the item it found, and the words of the question that stand there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, LiteralString
from uuid import UUID

from searchsite.indexing import tables
from searchsite.library.scope import Scope
from searchsite.search import marks
from searchsite.search.fuse import Why
from searchsite.search.marks import Marks
from searchsite.search.words import LEADING_DASHES

TITLE = "title"
# Of an item, the parts that were found, and those with words of the question in them; longer ones are cut.
MOST_PARTS, MOST_CHARS = 6, 8000
ANY_WORD: LiteralString = "replace(websearch_to_tsquery('searchsite', %(words)s)::text, ' & ', ' | ')::tsquery"
PARTS: LiteralString = """
SELECT item.public_id, part.id, part.role, part.text
FROM item CROSS JOIN LATERAL (
    SELECT part.id, part.role, left(part.text, %(chars)s) AS text,
        part.id = ANY(%(parts)s::bigint[]) AS found, ts_rank(part.search, <asked>) AS rank
    FROM part WHERE part.item_id = item.id AND (part.id = ANY(%(parts)s::bigint[]) OR part.search @@ <asked>)
    ORDER BY found DESC, rank DESC, part.id LIMIT %(most)s
) AS part
WHERE item.public_id = ANY(%(items)s::uuid[]) AND item.collection_id = ANY(%(scope)s::bigint[])
ORDER BY part.found DESC, part.rank DESC, part.id
""".replace("<asked>", ANY_WORD)


@dataclass(frozen=True)
class Found:
    """What is to be explained: an item by its public id and title, and the channels that found it."""

    item: UUID
    title: str
    why: tuple[Why, ...]


@dataclass(frozen=True)
class Reason:
    """One channel that found an item.

    share: of the question's words, by their weight, those that are there. part and role: what it found of the item;
    the role is title where the title was found, and empty where it looked at the whole. text: of that part. words:
    those of the question, as they stand there; of the channel of words, anywhere in the item.
    """

    channel: str
    rank: int
    similarity: float | None
    share: float | None
    part: int | None
    role: str
    text: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class Explained:
    """The reasons of some items, in their order, and what marks the words in their texts."""

    reasons: list[tuple[Reason, ...]]
    marks: Marks


def explained(found: Sequence[Found], words: str, scope: Scope) -> Explained:
    """Explain why the items were found. words: the question's, texts that must be there in quotes. One query."""
    parts = _parts(found, words, scope)
    texts = [text for own in parts.values() for _role, text in own.values()]
    shown = marks.marks_of(words, [*texts, *(one.title for one in found)])
    reasons = [tuple(_reason(why, one.title, parts.get(one.item, {}), shown) for why in one.why) for one in found]
    return Explained(reasons, shown)


def _reason(why: Why, title: str, parts: dict[int, tuple[str, str]], shown: Marks) -> Reason:
    by_words = why.similarity is None
    known = parts.get(why.part) if why.part is not None else None
    role, text = known or ((TITLE, title) if by_words else ("", ""))
    if by_words:
        said = [shown.words(one, inside=True) for one in (text, title, *(text for _role, text in parts.values()))]
        standing = tuple({marks.fold(word): word for own in reversed(said) for word in own}.values())
    else:
        standing = shown.words(text)
    return Reason(why.channel, why.rank, why.similarity, why.share, why.part if known else None, role, text, standing)


def _parts(found: Sequence[Found], words: str, scope: Scope) -> dict[UUID, dict[int, tuple[str, str]]]:
    """Role and text of each item's parts that matter, by their ids."""
    values: dict[str, Any] = {
        "items": [one.item for one in found],
        "parts": [why.part for one in found for why in one.why if why.part is not None],
        "words": LEADING_DASHES.sub("", words.replace('"', " ")),
        "scope": list(scope.collection_ids),
        "most": MOST_PARTS,
        "chars": MOST_CHARS,
    }
    by_item: dict[UUID, dict[int, tuple[str, str]]] = {}
    with tables.cursor() as cursor:
        for item, part, role, text in cursor.execute(PARTS, values, prepare=True, binary=True):
            by_item.setdefault(item, {})[part] = (role, text)
    return by_item

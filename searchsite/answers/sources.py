"""Finds what an answer may rest on: the best hits within the asker's scope, as numbered sources."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from django.db.models import Q

from searchsite.indexing import spaces
from searchsite.library import files
from searchsite.library.models import Item, Part, PartRole
from searchsite.library.scope import Scope
from searchsite.search import find
from searchsite.search.cards import Card
from searchsite.search.find import Hit, Results
from searchsite.search.questions import Question

MOST_SOURCES = 8
# About 1,000 tokens of English a source and 4,000 in all; of Chinese, where a character is a token, 16,000.
SOURCE_CHARS, ALL_CHARS = 4_000, 16_000
LEAST_CHARS = 200
GAP = "\n[…]\n"
WRITTEN = {PartRole.CAPTION: "Caption", PartRole.OCR: "Text in the picture", PartRole.TAGS: "Tags"}
Parts = Mapping[int, Sequence[Part]]


@dataclass(frozen=True)
class Source:
    """One item to answer from. `text` is what is read of it; `quote` is the passage that matched the question.

    picture: the file to look at, where the item is one. part: the id of the part that matched.
    """

    number: int
    item: Card
    item_pk: int
    text: str
    quote: str = ""
    part: int | None = None
    picture: Path | None = None


@dataclass(frozen=True)
class Gathered:
    """The sources for a question, and the search they came from."""

    results: Results
    sources: tuple[Source, ...]


def gather(question: Question, scope: Scope) -> Gathered:
    """Search within the scope, and read the best of what is found. Raises BadQuestion."""
    results = find.find(replace(question, limit=MOST_SOURCES, mode="hybrid", sort="relevance", cursor=None), scope)
    hits = _heard(results.hits)
    visible = Item.objects.visible_to(scope).select_related("blob").defer("title_search")
    items = {item.public_id: item for item in visible.filter(public_id__in=[hit.item.id for hit in hits])}
    found = [(hit, items[hit.item.id]) for hit in hits if hit.item.id in items]
    return Gathered(results, _sources(found, _parts(found)))


def still_there(sources: Iterable[Source], scope: Scope) -> bool:
    """Whether all sources may be seen in the scope."""
    wanted = {source.item_pk for source in sources}
    return Item.objects.visible_to(scope).filter(pk__in=wanted).count() == len(wanted)


def _heard(hits: Sequence[Hit]) -> list[Hit]:
    """The hits that say something: by words, or more alike to the question than unrelated things are."""
    space = spaces.active()
    levels = space.calibration if space is not None else {}
    floors = {channel: level["floor"] for channel, level in levels.items() if "floor" in level}
    return [
        hit
        for hit in hits
        if any(why.similarity is None or why.similarity >= floors.get(why.channel, -1.0) for why in hit.why)
    ]


def _parts(found: Sequence[tuple[Hit, Item]]) -> Parts:
    """By item: the passages of a text to read, those that matched first; what is written about a picture."""
    matched = [part for hit, _ in found for part in hit.parts]
    places: dict[int, list[int]] = defaultdict(list)
    for item_id, at in Part.objects.filter(pk__in=matched).values_list("item_id", "ordinal"):
        places[item_id].append(at)
    wanted = Q(item__in=[item.pk for _, item in found if item.is_picture], role__in=WRITTEN)
    for _, item in found:
        if not item.is_picture:
            near = {at + step for at in places[item.pk] or [0] for step in (-1, 0, 1)}
            wanted |= Q(item=item.pk, role=PartRole.CONTENT, ordinal__in=near)
    by_item: dict[int, list[Part]] = defaultdict(list)
    for part in Part.objects.filter(wanted).defer("search", "locator"):
        by_item[part.item_id].append(part)
    return {item_id: sorted(own, key=lambda part: _turn(part, matched, places)) for item_id, own in by_item.items()}


def _turn(part: Part, matched: Sequence[int], places: Mapping[int, Sequence[int]]) -> tuple[int, int]:
    """When to read a passage: what comes after one that matched says more of it than what came before."""
    if part.pk in matched:
        return matched.index(part.pk), 0
    follows = part.ordinal - 1 in places[part.item_id]
    return len(matched) + (not follows), part.ordinal


def _sources(found: Sequence[tuple[Hit, Item]], parts: Parts) -> tuple[Source, ...]:
    sources: list[Source] = []
    left = ALL_CHARS
    for hit, item in found:
        room = min(SOURCE_CHARS, left)
        own = parts.get(item.pk, ())
        text = _about(own, room) if item.is_picture else _passages(own, room)
        if room < LEAST_CHARS or not (text or item.is_picture):
            continue
        left -= len(text)
        sources.append(
            Source(
                number=len(sources) + 1,
                item=hit.item,
                item_pk=item.pk,
                text=text,
                quote=hit.part.text.strip() if hit.part is not None else "",
                part=hit.part.id if hit.part is not None else None,
                picture=files.view_path(item.blob) if item.is_picture and item.blob and item.width else None,
            )
        )
    return tuple(sources)


def _passages(parts: Sequence[Part], room: int) -> str:
    """Passages in the order of the text, as many as there is room for, taken in the order given."""
    kept: dict[int, str] = {}
    for part in parts:
        # Of what comes before a passage its end is wanted, of all else the beginning.
        before = part.ordinal + 1 in kept and part.ordinal - 1 not in kept
        text = part.text[-room:] if before else part.text[:room]
        if room <= 0 or not text:
            break
        kept[part.ordinal] = text
        room -= len(text)
    return "".join(("" if at - 1 in kept or not at else GAP) + kept[at] for at in sorted(kept)).strip()


def _about(parts: Sequence[Part], room: int) -> str:
    """What is written about a picture: its caption, the text in it, its tags."""
    said = {
        role: "".join(part.text for part in sorted(parts, key=lambda part: part.ordinal) if part.role == role)
        for role in WRITTEN
    }
    lines = [f"{name}: {said[role].strip()}" for role, name in WRITTEN.items() if said[role].strip()]
    return "\n".join(lines)[:room]

"""What can be asked, and how a question is written as an address."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, TypeVar, cast
from urllib.parse import urlencode
from uuid import UUID

from django.utils.translation import gettext
from django.utils.translation import gettext as _

from searchsite.inference.prompts import harmless
from searchsite.library.models import Kind
from searchsite.library.numbers import grouped
from searchsite.library.wording import CONTROLS, clean_text, normalise_tag
from searchsite.search import grammar, regions
from searchsite.search.regions import Region
from searchsite.search.wrong import BadQuestion as BadQuestion
from searchsite.search.wrong import NotFound as NotFound

MOST_INSTRUCTION = 300
MOST_CHARS, MOST_TERMS, MOST_HITS, MOST_VALUES, MOST_WEIGHT = 2000, 8, 100, 50, 10.0
SORTS = ("relevance", "newest", "oldest")
MODES = ("hybrid", "meaning", "words")
Parsed = TypeVar("Parsed")


@dataclass(frozen=True)
class Term:
    """A text, an item or a query picture to be near to; away from, when the weight is negative."""

    text: str | None = None
    item: UUID | None = None
    picture: UUID | None = None
    region: Region | None = None
    """Of a picture, or of an item's."""
    weight: float = 1.0

    @property
    def said(self) -> str:
        """What a text says to meaning."""
        return grammar.read(self.text or "").words.replace('"', " ").strip()


@dataclass(frozen=True)
class Filters:
    """What hits must be. `after` takes in its day; `before` doesn't."""

    kinds: tuple[str, ...] = ()
    collections: tuple[UUID, ...] = ()
    tags: tuple[str, ...] = ()
    by: str | None = None
    after: date | None = None
    before: date | None = None
    copies: UUID | None = None
    """An item: only it and what is a copy of it."""


@dataclass(frozen=True)
class Question:
    """Terms and filters; without terms, it asks for what was put in last."""

    terms: tuple[Term, ...] = ()
    filters: Filters = field(default_factory=Filters)
    sort: str = "relevance"
    mode: str = "hybrid"
    limit: int = 24
    cursor: str | None = None
    rerank: bool | None = None
    """None: where a reranker is configured."""
    instruction: str | None = None
    """What the embedder is told to look for, in place of what fits the question."""
    fold: bool | None = None
    """Show of copies the best alone. None: as whoever asks is used to."""
    weak: bool | None = None
    """Hits that are rated weak: left out (False), after all others (True), or where they rank (None)."""

    @property
    def read(self) -> tuple[grammar.Reading, ...]:
        """What the texts to be near to say."""
        return tuple(grammar.read(term.text) for term in self.terms if term.text and term.weight > 0)

    @property
    def mistakes(self) -> tuple[str, ...]:
        """What was read in another way than it was written, as sentences for people."""
        return tuple(gettext(note) for reading in self.read for note in reading.notes)

    @property
    def words(self) -> str:
        """What is looked for by meaning and by words, as one; texts that must be there stand in quotes."""
        return " ".join(filter(None, (reading.words for reading in self.read)))

    @property
    def conditions(self) -> tuple[grammar.Node, ...]:
        """What each hit must meet, beside the filters."""
        return tuple(node for reading in self.read for node in reading.conditions)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds that hits are of, where filters or words say it."""
        written = (node.value for node in self.conditions if isinstance(node, grammar.Filter) and node.field == "kind")
        return self.filters.kinds or tuple(map(str, written))

    @property
    def seeks(self) -> bool:
        """Whether something is to be near to; else there is nothing to rank by, and hits come by their date."""
        return bool(self.words) or any(not term.text or term.weight < 0 for term in self.terms)

    @property
    def asks(self) -> bool:
        """Whether it says anything beside its filters: an empty pair of brackets does not."""
        return self.seeks or bool(self.conditions)


def checked(question: Question) -> Question:
    """Return the question with its texts cleaned. Raises BadQuestion."""
    _require(question.sort in SORTS, _("Sort must be one of %(names)s.") % {"names": ", ".join(SORTS)})
    _require(question.mode in MODES, _("Mode must be one of %(names)s.") % {"names": ", ".join(MODES)})
    _require(1 <= question.limit <= MOST_HITS, _("Limit must lie between 1 and %(most)d.") % {"most": MOST_HITS})
    _require(len(question.terms) <= MOST_TERMS, _("A question has at most %(most)d terms.") % {"most": MOST_TERMS})
    terms = tuple(term for term in map(_checked_term, question.terms) if term.text != "")
    instruction = _checked_instruction(question.instruction)
    _check_conditions(replace(question, terms=terms))
    return replace(question, terms=terms, filters=_checked_filters(question.filters), instruction=instruction)


def from_query(data: Mapping[str, Any]) -> Question:
    """Read a question from the parameters of an address. Raises BadQuestion.

    q*, not* (texts), like*, unlike* (items), picture*, unpicture*, kind*, collection*, tag*, by, after, before, copies,
    sort, mode, rerank, instruct, fold, weak, limit, cursor; those with a star may come several times. Of an item or a
    picture
    `id~x-y-width-height` is a part, in thousandths.
    """
    terms = [Term(text=text) for text in _all(data, "q")]
    terms += [Term(text=text, weight=-1.0) for text in _all(data, "not")]
    for name, weight in (("like", 1.0), ("unlike", -1.0)):
        named = map(regions.read, _all(data, name))
        terms += [Term(item=_uuid(one), region=region, weight=weight) for one, region in named]
    for name, weight in (("picture", 1.0), ("unpicture", -1.0)):
        named = map(regions.read, _all(data, name))
        terms += [Term(picture=_uuid(one), region=region, weight=weight) for one, region in named]
    filters = Filters(
        kinds=tuple(_all(data, "kind")),
        collections=tuple(_uuid(one) for one in _all(data, "collection")),
        tags=tuple(_all(data, "tag")),
        by=_one(data, "by"),
        after=_day(_one(data, "after")),
        before=_day(_one(data, "before")),
        copies=_uuid(copies) if (copies := _one(data, "copies")) else None,
    )
    sort, mode = _one(data, "sort") or "relevance", _one(data, "mode") or "hybrid"
    limit, rerank = _number(_one(data, "limit")), _switch(data, "rerank")
    fold, weak = _switch(data, "fold"), _switch(data, "weak")
    rest = (sort, mode, limit, _one(data, "cursor"), rerank, _one(data, "instruct"), fold, weak)
    return checked(Question(tuple(terms), filters, *rest))


def to_query(question: Question) -> str:
    """Write a question as parameters, always in the same order; `from_query` reads them. Weights become -1 or 1."""
    pairs: list[tuple[str, str]] = []
    for term in question.terms:
        away = term.weight < 0
        if term.text:
            pairs.append(("not" if away else "q", term.text))
        elif term.item:
            pairs.append(("unlike" if away else "like", f"{term.item}{regions.written(term.region)}"))
        elif term.picture:
            pairs.append(("unpicture" if away else "picture", f"{term.picture}{regions.written(term.region)}"))
    filters = question.filters
    pairs += [("kind", kind) for kind in filters.kinds]
    pairs += [("collection", str(one)) for one in filters.collections]
    pairs += [("tag", tag) for tag in filters.tags]
    rest = {"by": filters.by, "after": filters.after, "before": filters.before, "copies": filters.copies}
    pairs += [(name, str(value)) for name, value in rest.items() if value]
    usual = Question()
    for name in ("sort", "mode", "limit", "cursor"):
        if getattr(question, name) != getattr(usual, name):
            pairs.append((name, str(getattr(question, name))))
    for name in ("rerank", "fold", "weak"):
        if (switch := getattr(question, name)) is not None:
            pairs.append((name, str(switch).lower()))
    if question.instruction:
        pairs.append(("instruct", question.instruction))
    return urlencode(pairs)


def _checked_term(term: Term) -> Term:
    given = [one for one in (term.text, term.item, term.picture) if one is not None]
    _require(len(given) == 1, _("Each term is a text, an item or a picture."))
    if term.region is not None:
        _require(term.text is None, _("Only a picture has parts to search by."))
        term = replace(term, region=regions.checked(term.region))
    usable = math.isfinite(term.weight) and 0 < abs(term.weight) <= MOST_WEIGHT
    _require(usable, _("A weight lies between -%(most)g and %(most)g, and is not 0.") % {"most": MOST_WEIGHT})
    return term if term.text is None else replace(term, text=_checked_text(term.text))


def _check_conditions(question: Question) -> None:
    """Each costs a lookup, and one that was left out would let in what it was to keep out."""
    conditions = sum(reading.size for reading in question.read)
    _require(
        conditions <= grammar.MOST_CONDITIONS,
        _("A question has at most %(most)d conditions.") % {"most": grammar.MOST_CONDITIONS},
    )
    phrases = sum(reading.phrases for reading in question.read)
    _require(
        phrases <= grammar.MOST_PHRASES,
        _("A question has at most %(most)d texts in quotes.") % {"most": grammar.MOST_PHRASES},
    )


def _checked_text(text: str) -> str:
    # Composing makes two of some letters, and one of many: what counts is what comes of it. Without end it is slow.
    cleaned = CONTROLS.sub(" ", clean_text(text[: 4 * MOST_CHARS])).strip()
    _require(
        len(text) <= 4 * MOST_CHARS and len(cleaned) <= MOST_CHARS,
        _("A question has at most %(most)s characters.") % {"most": grouped(MOST_CHARS)},
    )
    return cleaned


def _checked_instruction(text: str | None) -> str | None:
    """It is part of a prompt: no marks of the network, one line."""
    if text is None:
        return None
    cleaned = " ".join(harmless(CONTROLS.sub(" ", clean_text(text[: 4 * MOST_INSTRUCTION]))).split())
    _require(
        len(text) <= 4 * MOST_INSTRUCTION and len(cleaned) <= MOST_INSTRUCTION,
        _("An instruction has at most %(most)d characters.") % {"most": MOST_INSTRUCTION},
    )
    return cleaned or None


def _checked_filters(filters: Filters) -> Filters:
    unknown = set(filters.kinds) - set(Kind.values)
    _require(not unknown, _("Kind must be one of %(names)s.") % {"names": ", ".join(Kind.values)})
    _require(max(len(filters.collections), len(filters.tags)) <= MOST_VALUES, _("There are too many filters."))
    tags = tuple(dict.fromkeys(normalise_tag(tag) for tag in filters.tags))
    by = None if filters.by is None else _checked_text(filters.by)
    # Left out, it would let in what it was meant to keep out.
    _require(by != "" and "" not in tags, _("A filter by person or tag must name one."))
    return replace(filters, tags=tags, by=by)


def _require(holds: bool, sentence: str) -> None:
    if not holds:
        raise BadQuestion(sentence)


def _all(data: Mapping[str, Any], name: str) -> list[str]:
    """All values of a parameter that say something, of a QueryDict or of a plain mapping."""
    getlist = getattr(data, "getlist", None)
    found = getlist(name) if getlist is not None else data.get(name)
    values: Iterable[Any] = [found] if isinstance(found, str | None) else cast("Iterable[Any]", found)
    return [str(value) for value in values if value is not None and str(value).strip()]


def _one(data: Mapping[str, Any], name: str) -> str | None:
    return next(iter(reversed(_all(data, name))), None)


def _uuid(value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError as error:
        raise NotFound(_("The question names something that is not there.")) from error


def _day(value: str | None) -> date | None:
    if value is None:
        return None
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise BadQuestion(_("A day is written like 2026-01-31."))


def _switch(data: Mapping[str, Any], name: str) -> bool | None:
    known = {"true": True, "1": True, "false": False, "0": False}
    value = _one(data, name)
    _require(value is None or value in known, _("%(name)s must be true or false.") % {"name": name.capitalize()})
    return None if value is None else known[value]


def _number(value: str | None) -> int:
    if value is None:
        return Question.limit
    _require(value.isascii() and value.isdigit() and len(value) < 6, _("Limit must be a number."))
    return int(value)

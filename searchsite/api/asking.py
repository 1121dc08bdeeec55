"""Questions as callers send them, and answers as they get them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar
from uuid import UUID

from searchsite.api import inputs, schemas, shapes
from searchsite.library.scope import Scope
from searchsite.search import facets, find, respelling
from searchsite.search.cards import Card
from searchsite.search.find import Hit
from searchsite.search.questions import BadQuestion, Filters, Question, Term, checked
from searchsite.search.reasons import Found, Reason, explained

Value = TypeVar("Value", UUID, str)


def question_of(asked: inputs.SearchIn) -> Question:
    """Return the question. Raises BadQuestion."""
    terms = tuple(term_of(one) for one in asked.query)
    filters = filters_of(asked.filters)
    switches = (asked.fold, asked.weak)
    rest = (asked.sort, asked.mode, asked.limit, asked.cursor, asked.rerank, asked.instruction, *switches)
    return checked(Question(terms, filters, *rest))


def search_out(question: Question, scope: Scope, *, wanted: bool | list[str]) -> schemas.SearchOut:
    """Answer a question, with the counts that are wanted. Raises BadQuestion."""
    names = facets.FACETS if wanted is True else tuple(dict.fromkeys(wanted or ()))
    unknown = set(names) - set(facets.FACETS)
    if unknown:
        raise BadQuestion(f"Facets are {', '.join(facets.FACETS)}.")
    results = find.find(question, scope)
    return schemas.SearchOut(
        hits=_hits(results.hits, question, scope),
        next_cursor=results.next_cursor,
        total_estimate=results.total_estimate,
        took_ms=results.took_ms,
        space=results.space or "",
        notes=list(results.notes),
        spelling=respelling.respelled(question, results, scope) or None,
        weak=results.weak,
        facets=_facets(facets.facets(question, scope, names)) if names else None,
    )


def _facets(counted: facets.Facets) -> dict[str, schemas.FacetOut]:
    return {
        name: schemas.FacetOut(
            values=[schemas.FacetValue(value=one.value, label=one.label, count=one.count) for one in values],
            capped=name in counted.capped,
        )
        for name, values in counted.values.items()
    }


def term_of(asked: inputs.TermIn) -> Term:
    """Return one term."""
    part = asked.region
    region = None if part is None else (part.x, part.y, part.width, part.height)
    return Term(asked.text, asked.item, asked.picture, region, asked.weight)


def filters_of(asked: inputs.FiltersIn) -> Filters:
    """Return the filters."""
    return Filters(
        kinds=tuple(asked.kind) if isinstance(asked.kind, list) else _several(asked.kind),
        collections=_several(asked.collection),
        tags=_several(asked.tag),
        by=asked.by,
        after=asked.after,
        before=asked.before,
        copies=asked.copies,
    )


def _several(given: list[Value] | Value | None) -> tuple[Value, ...]:
    if given is None:
        return ()
    return tuple(given) if isinstance(given, list) else (given,)


def item_of(card: Card) -> dict[str, Any]:
    """Return what is said of an item in short."""
    return {
        "id": card.id,
        "kind": card.kind,
        "title": card.title,
        "caption": card.caption or None,
        "thumbnail_url": shapes.thumbnail_url(card.id, card.kind),
        "created_at": card.created_at,
        "width": card.width,
        "height": card.height,
        "collection_name": card.collection_name,
        "tags": list(card.tags),
        "url": shapes.item_url(card.id),
    }


def _hits(hits: Sequence[Hit], question: Question, scope: Scope) -> list[schemas.HitOut]:
    found = [Found(hit.item.id, hit.item.title, hit.why) for hit in hits]
    known = explained(found, question.words, scope).reasons if any(one.why for one in found) else [()] * len(found)
    return [_hit(hit, why) for hit, why in zip(hits, known, strict=True)]


def _hit(hit: Hit, why: Sequence[Reason]) -> schemas.HitOut:
    part = hit.part
    matched = {"id": part.id, "role": part.role, "text": part.text, "locator": part.locator} if part else None
    own = None if part is None else part.id
    return schemas.HitOut.model_validate(
        {
            "item": item_of(hit.item),
            "score": hit.score,
            "band": hit.band,
            "part": matched,
            "why": [_why(one, own) for one in why],
            "duplicates": list(hit.copies),
        }
    )


def _why(reason: Reason, own: int | None) -> dict[str, Any]:
    text = None if reason.part == own else reason.text
    return {
        "channel": reason.channel,
        "rank": reason.rank,
        "similarity": reason.similarity,
        "share": reason.share,
        "part": None if reason.part is None else {"id": reason.part, "role": reason.role, "text": text},
        "words": list(reason.words),
    }

"""Questions as callers send them, and answers as they get them."""

from __future__ import annotations

from typing import Any, TypeVar
from uuid import UUID

from searchsite.api import inputs, schemas, shapes
from searchsite.library.scope import Scope
from searchsite.search import facets, find
from searchsite.search.cards import Card
from searchsite.search.find import Hit
from searchsite.search.questions import BadQuestion, Filters, Question, Term, checked

Value = TypeVar("Value", UUID, str)


def question_of(asked: inputs.SearchIn) -> Question:
    """Return the question. Raises BadQuestion."""
    terms = tuple(_term(one) for one in asked.query)
    filters = filters_of(asked.filters)
    rest = (asked.sort, asked.mode, asked.limit, asked.cursor, asked.rerank, asked.instruction)
    return checked(Question(terms, filters, *rest))


def search_out(question: Question, scope: Scope, *, wanted: bool | list[str]) -> schemas.SearchOut:
    """Answer a question, with the counts that are wanted. Raises BadQuestion."""
    names = facets.FACETS if wanted is True else tuple(dict.fromkeys(wanted or ()))
    unknown = set(names) - set(facets.FACETS)
    if unknown:
        raise BadQuestion(f"Facets are {', '.join(facets.FACETS)}.")
    results = find.find(question, scope)
    return schemas.SearchOut(
        hits=[_hit(hit) for hit in results.hits],
        next_cursor=results.next_cursor,
        total_estimate=results.total_estimate,
        took_ms=results.took_ms,
        space=results.space or "",
        notes=list(results.notes),
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


def _term(asked: inputs.TermIn) -> Term:
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


def _hit(hit: Hit) -> schemas.HitOut:
    part = hit.part
    matched = {"id": part.id, "role": part.role, "text": part.text, "locator": part.locator} if part else None
    why = [{"channel": one.channel, "rank": one.rank, "similarity": one.similarity} for one in hit.why]
    return schemas.HitOut.model_validate(
        {"item": item_of(hit.item), "score": hit.score, "band": hit.band, "part": matched, "why": why}
    )

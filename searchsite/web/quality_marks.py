"""“This is it” on hits and in the viewer, what is opened from hits, and the questions that a person keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from searchsite import config
from searchsite.library.models import Item
from searchsite.library.refusals import Refusal
from searchsite.library.scope import Scope
from searchsite.quality import judging
from searchsite.quality.models import StoredQuestion
from searchsite.search import questions
from searchsite.search.find import Results
from searchsite.search.questions import BadQuestion, Question
from searchsite.web import around, narrowing
from searchsite.web.doors import MemberRequest, in_team
from searchsite.web.ids import parsed
from searchsite.web.seen import visible

MOST_PLACE = 100_000


@dataclass(frozen=True)
class Kept:
    """A kept question as a page shows it."""

    stored: StoredQuestion
    label: str


def of_list(question: Question, results: Results, scope: Scope) -> dict[str, Any]:
    """What the search page needs to mark its hits; nothing where nothing is looked for.

    Of a question that is new it costs one small query.
    """
    within = narrowing.listed(question)
    if not question.seeks or len(within) > around.MOST_CHARS:
        return {}
    is_kept, marks = judging.said_of(question, [hit.item.id for hit in results.hits], scope=scope)
    return {
        "marking": within,
        "marked": {str(public_id) for public_id, grade in marks.items() if grade > 0},
        "is_kept": is_kept,
        "records_clicks": config.load().record_clicks,
    }


def of_item(request: MemberRequest, item: Item) -> dict[str, Any] | None:
    """What the viewer needs to mark its item; None where it was not come to from a search."""
    question = _asked(request)
    if question is None or not question.seeks:
        return None
    _kept, marks = judging.said_of(question, [item.public_id], scope=request.scope)
    grade = marks.get(item.public_id)
    return {"yes": bool(grade), "no": grade == judging.NOT_THIS}


@in_team("POST")
def judge(request: MemberRequest) -> HttpResponseBase:
    """Say that an item is what was searched for, or is not, or take that back. What comes twice changes nothing."""
    question = _required(request)
    given = {name: request.POST[name] for name in ("yes", "no", "undo") if name in request.POST}
    said, public_id = next(((name, parsed(value)) for name, value in given.items()), ("", None))
    if public_id is None:
        raise Http404
    item = visible(request.scope, public_id)
    if said == "undo":
        judging.unmark(question, item, scope=request.scope)
    else:
        grade = judging.THIS if said == "yes" else judging.NOT_THIS
        judging.mark(question, item, scope=request.scope, grade=grade)
    if request.htmx:
        return HttpResponse(status=204)
    params = around.asked(request) or QueryDict()
    if "viewer" in request.POST:
        return redirect(around.address(item.public_id, params.urlencode()))
    return redirect(narrowing.address(params))


@in_team("POST")
def opened(request: MemberRequest) -> HttpResponseBase:
    """Note that a hit was opened. A page tells this while it is left, and nobody waits for the answer."""
    question, public_id = _asked(request), parsed(request.POST.get("item", ""))
    if question is not None and question.seeks and public_id is not None:
        place = request.POST.get("place", "")
        counted = int(place) if place.isascii() and place.isdigit() and len(place) < 7 else None
        item = visible(request.scope, public_id)
        judging.opened(
            question, item, scope=request.scope, place=counted if counted and counted <= MOST_PLACE else None
        )
    return HttpResponse(status=204)


@in_team("POST")
def keep(request: MemberRequest) -> HttpResponseBase:
    """Keep the question, or keep it no longer."""
    question = _required(request)
    if "undo" in request.POST:
        judging.unsave(question, scope=request.scope)
    else:
        judging.save(question, scope=request.scope)
    return (
        HttpResponse(status=204) if request.htmx else redirect(narrowing.address(around.asked(request) or QueryDict()))
    )


@in_team("GET")
def saved(request: MemberRequest) -> HttpResponseBase:
    """Show the questions that the person keeps."""
    kept = judging.saved(request.scope)
    shown = [Kept(one, narrowing.said(QueryDict(one.address), request.scope)) for one in kept]
    return render(request, "quality/saved.html", {"kept_questions": shown})


@in_team("POST")
def remove(request: MemberRequest, public_id: UUID) -> HttpResponseBase:
    """Keep one of them no longer."""
    if not judging.forget(public_id, scope=request.scope):
        raise Http404
    messages.success(request, _("The question is not kept any more."))
    return redirect("saved")


def _asked(request: MemberRequest) -> Question | None:
    params = around.asked(request)
    try:
        return None if params is None else questions.from_query(params)
    except BadQuestion:
        return None


def _required(request: MemberRequest) -> Question:
    question = _asked(request)
    if question is None or not question.seeks:
        raise Refusal(_("Nothing is looked for here that an item could answer."), code="no-question", status=400)
    return question

"""The page of questions: asked by a form, answered as a stream, or as a whole page where no script runs."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.http import HttpResponse, QueryDict, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

from searchsite.accounts import sessions
from searchsite.answers import asking, events
from searchsite.answers.answering import Answering
from searchsite.library.refusals import Refusal
from searchsite.search import questions
from searchsite.web import narrowing, written
from searchsite.web.doors import MemberRequest, in_team, patient


@in_team("GET", "POST")
def ask(request: MemberRequest) -> HttpResponseBase:
    """Show the box for a question; answer the one that is sent, all at once."""
    page = _page(request.GET if request.method != "POST" else request.POST, request)
    if request.method != "POST":
        return render(request, "ask/page.html", page)
    try:
        answering = _begin(request)
    except (questions.BadQuestion, Refusal) as wrong:
        answer = render(request, "ask/page.html", page | {"wrong": str(wrong)}, status=_status(wrong))
        return patient(answer, wrong)
    try:
        for _step in asking.follow(answering):
            pass
        return render(request, "ask/page.html", page | written.page_of(answering))
    finally:
        answering.close()


@in_team("POST")
def stream(request: MemberRequest) -> HttpResponseBase:
    """Answer as server-sent events: sources, thinking, answer (blocks from a place on), end."""
    try:
        answering = _begin(request)
    except (questions.BadQuestion, Refusal) as wrong:
        plain = HttpResponse(str(wrong), content_type="text/plain; charset=utf-8", status=_status(wrong))
        return patient(plain, wrong)
    body = events.Stream(answering, written.events(answering))
    return StreamingHttpResponse(body, content_type=events.MEDIA_TYPE, headers=events.HEADERS)


def _begin(request: MemberRequest) -> Answering:
    question = questions.from_query(request.POST)
    signed_in = partial(sessions.lasts, request.session.session_key or "")
    return asking.ask(question, request.scope, thinking=bool(request.POST.get("thinking")), let_in=signed_in)


def _page(sent: QueryDict, request: MemberRequest) -> dict[str, Any]:
    params = QueryDict(mutable=True)
    for name in ("q", *narrowing.KEPT):
        params.setlist(name, sent.getlist(name))
    page = narrowing.page_of(params, request.scope)
    own = reverse("ask")
    narrowed = dict.fromkeys([*narrowing.kinds(params), *page["chips"]])
    chips = [(chip, own + chip.without.removeprefix(reverse("home"))) for chip in narrowed]
    return page | {"narrowed": chips, "thinking": bool(sent.get("thinking")), "can_think": asking.can_think()}


def _status(wrong: questions.BadQuestion | Refusal) -> int:
    if isinstance(wrong, Refusal):
        return wrong.status
    return 404 if isinstance(wrong, questions.NotFound) else 400

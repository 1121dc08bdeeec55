"""The search page: a question in the address, and its hits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.http import HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from searchsite.library import pictures
from searchsite.library.numbers import grouped
from searchsite.library.refusals import Refusal
from searchsite.search import browse, facets, find, joining, questions, respelling
from searchsite.search.grammar import Phrase
from searchsite.web import addresses, around, cards, chips, faceting, lines, narrowing, quality_marks, wayout
from searchsite.web.doors import MemberRequest, in_team, refused


@in_team("GET")
def search(request: MemberRequest) -> HttpResponseBase:
    """Show what answers the question in the address; without a question, the newest items."""
    page = narrowing.page_of(request.GET, request.scope)
    try:
        question = narrowing.asked(request.GET)
        results = find.find(replace(question, fold=_folds(question)), request.scope)
    except questions.BadQuestion as wrong:
        return _misunderstood(request, page, wrong)
    page |= _shown(question, results) | _listed(question, results, request.GET.get("heads", ""))
    page |= quality_marks.of_list(question, results, request.scope)
    if request.htmx and "cursor" in request.GET:
        return render(request, "search/_page.html", page)
    if better := respelling.respelled(question, results, request.scope):
        page["better"] = {"words": better, "url": addresses.with_words(request.GET, better)}
    if not results.hits:
        page["why"] = wayout.why_empty(question, request.GET, request.scope, page["chips"], results.budget)
        page["unquoted"] = _unquoted(request.GET)
    page |= {"drawer": request.COOKIES.get("drawer") == "open", "undo": request.session.pop("undo", None)}
    return render(request, "search/page.html", page)


@in_team("GET")
def search_facets(request: MemberRequest) -> HttpResponseBase:
    """Count what the question in the address can be narrowed by: for the drawer, or as a page of its own."""
    page = narrowing.page_of(request.GET, request.scope)
    try:
        counted = facets.facets(narrowing.asked(request.GET), request.scope)
    except questions.BadQuestion as wrong:
        return _misunderstood(request, page, wrong)
    page |= faceting.shown(counted, request.GET)
    return render(request, "search/_facets.html" if request.htmx else "search/facets.html", page)


@in_team("GET")
def search_tips(request: MemberRequest) -> HttpResponseBase:
    """Say what the box reads, where no script opens the help."""
    return render(request, "search/tips.html", {})


@in_team("GET", "POST")
def search_picture(request: MemberRequest) -> HttpResponseBase:
    """Keep the picture that was chosen, dropped or pasted, and go to the search by it."""
    # The question that it is added to, if it is not one of its own.
    within = around.asked(request)
    shown = {"list_query": None if within is None else within.urlencode(), "words": chips.box(within)}
    if request.method != "POST":
        return render(request, "search/picture.html", shown)
    file = request.FILES.get("file")
    try:
        if file is None:
            raise Refusal(_("Choose a picture first."), code="missing")
        kept = pictures.add_query_picture(file, scope=request.scope)
    except Refusal as refusal:
        if request.htmx:
            return refused(request, refusal)
        return render(request, "search/picture.html", shown | {"refusal": refusal}, status=refusal.status)
    asked = QueryDict(mutable=True) if within is None else within
    words = [request.POST.get("q", "").strip()[:2000], *asked.getlist("q")[1:]]
    asked.setlist("q", [one for one in words if one])
    return redirect(addresses.adding(asked, "picture", str(kept.public_id)))


def _shown(question: questions.Question, results: find.Results) -> dict[str, Any]:
    # What the embedder always says of itself stands at the foot; what happened to this question, above the hits.
    # Asking again mends none of how a question was read.
    standing, mistakes = set(results.standing), question.mistakes
    return {
        "asked": question.asks,
        "list_query": narrowing.listed(question),
        "total": results.total_estimate,
        "written": _written(results.total_estimate, question),
        "seconds": results.took_ms / 1000,
        "banners": [note for note in results.notes if note not in standing and note not in mistakes],
        "mistakes": mistakes,
        "notes": [note for note in results.notes if note in standing],
        "space": results.space,
        "next_cursor": results.next_cursor,
        **_folded(question, results),
    }


def _folded(question: questions.Question, results: find.Results) -> dict[str, Any]:
    """How many weak hits are folded away, or are shown; and whether there are none but weak ones."""
    hidden = 0 if question.weak else results.weak
    return {"hidden": hidden, "all_weak": 0 < results.weak == results.total_estimate + hidden}


def _listed(question: questions.Question, results: find.Results, heads: str) -> dict[str, Any]:
    """The cards, with the lines between them."""
    within = narrowing.listed(question)
    refined = QueryDict(within) if 0 < len(question.terms) < questions.MOST_TERMS else None
    listed = cards.of_hits(results.hits, question.words, within=within, refined=refined, folded=_folds(question))
    grain = lines.grain_of(question, results.hits, heads)
    if grain:
        lines.by_date(listed, grain)
    elif question.weak and results.weak < results.total_estimate:
        lines.by_likelihood(listed)
    return {"cards": listed, "heads": grain, "lower": bool(grain)}


def _folds(question: questions.Question) -> bool:
    """Whether copies stand behind the best of them; asked for by themselves, each is shown."""
    return question.fold is not False and question.filters.copies is None


def _unquoted(params: QueryDict) -> str:
    """The same search for the words in quotes, near or exact; nothing where there are no quotes."""
    asked = words = chips.box(params)
    for piece in reversed(chips.pieces(asked)):
        if isinstance(piece.node, Phrase):
            words = f"{words[: piece.start]} {piece.node.text} {words[piece.end :]}"
    return addresses.with_words(params, " ".join(words.split())) if words != asked else ""


def _written(total: int, question: questions.Question) -> str:
    """The number as people read it; browsing counts only so far."""
    least = not question.seeks and total >= browse.MOST_COUNTED
    return grouped(total) + ("+" if least else "")


def _misunderstood(request: MemberRequest, page: dict[str, Any], wrong: questions.BadQuestion) -> HttpResponse:
    status = 404 if isinstance(wrong, questions.NotFound) else 400
    if request.htmx:
        return HttpResponse(str(wrong), content_type="text/plain; charset=utf-8", status=status)
    if better := joining.joined(chips.box(request.GET)[: questions.MOST_CHARS], request.scope) if status == 404 else "":
        page["better"] = {"words": better, "url": addresses.with_words(request.GET, better)}
    return render(request, "search/page.html", page | {"asked": True, "wrong": str(wrong)}, status=status)

"""The admin's first page: what came in, what is being worked on, what failed, what is stored, what is spent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.core.cache import cache
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext_lazy

from searchsite.accounts import budgets
from searchsite.accounts.models import Role, Team
from searchsite.indexing import board, reasons, vocabulary
from searchsite.jobs.models import Job, State
from searchsite.library.models import Item, Kind
from searchsite.library.scope import Scope
from searchsite.web import admin_charts, admin_figures
from searchsite.web.admin_scope import is_superuser, membership_in, scope_in

FAILURES = 6
# The queue moves while somebody looks, but counting it costs.
QUEUE_SECONDS = 15
MOST_TEAMS = 50
KIND_NAMES = {
    Kind.IMAGE: gettext_lazy("Photos"),
    Kind.SCREENSHOT: gettext_lazy("Screenshots"),
    Kind.TEXT: gettext_lazy("Texts"),
}


@dataclass(frozen=True)
class Stage:
    """One row of the queue; `failed` is the least number where not `whole`."""

    kind: str
    name: str
    waiting: int
    running: int
    failed: int
    whole: bool


@dataclass(frozen=True)
class Failure:
    """A stage that has failed, and its item as far as the person sees it."""

    stage: str
    said: str
    at: datetime | None
    item: Item


def context(request: HttpRequest) -> dict[str, Any]:
    """Return what the page shows of the person's team; of all, for who leads the house."""
    whole, scope = is_superuser(request), scope_in(request)
    figures = admin_figures.known(scope, whole=whole)
    return {
        "title": gettext_lazy("Overview"),
        "figures": figures,
        "whole": whole,
        "chart": admin_charts.by_day(figures.daily, figures.today, admin_figures.DAYS),
        "kinds": [(kind.value, KIND_NAMES[kind]) for kind in admin_charts.KINDS],
        "storage": admin_charts.by_place(figures.stored),
        "queue": _queue(scope, whole=whole),
        "failures": _failures(scope, whole=whole),
        "warnings": _warnings(request),
    }


def index(request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
    """Show the first page; a POST counts anew."""
    if request.method == "POST":
        admin_figures.forget(scope_in(request), whole=is_superuser(request))
        cache.delete(_queue_key(scope_in(request), whole=is_superuser(request)))
        return HttpResponseRedirect(reverse("admin:index"))
    return admin.AdminSite.index(admin.site, request, {**context(request), **(extra_context or {})})


def _queue_key(scope: Scope, *, whole: bool) -> str:
    return f"admin-stages:{'all' if whole else scope.team_id}"


def _queue(scope: Scope, *, whole: bool) -> list[Stage]:
    key = _queue_key(scope, whole=whole)
    found: list[tuple[str, int, int, int, bool]] | None = cache.get(key)
    if found is None:
        stands = board.board(team_id=None if whole else scope.team_id)
        counted = stands.failures.whole
        found = [(row.kind, row.standing.waiting, row.standing.running, row.failed, counted) for row in stands.rows]
        cache.set(key, found, QUEUE_SECONDS)
    return [Stage(one[0], vocabulary.stage_name(one[0]), *one[1:]) for one in found]


def _failures(scope: Scope, *, whole: bool) -> list[Failure]:
    """The newest, of items that the person sees."""
    jobs = Job.objects.filter(state=State.DEAD).order_by("-finished_at")
    items = Item.objects.filter(trashed_at=None).defer("title_search")
    if not whole:
        items = items.filter(collection_id__in=scope.collection_ids)
        jobs = jobs.filter(team_id=scope.team_id)
    newest = list(jobs[: FAILURES * 4])
    known = items.in_bulk({job.subject for job in newest})
    seen = [job for job in newest if job.subject in known][:FAILURES]
    return [
        Failure(
            vocabulary.stage_name(job.kind), reasons.translated(job.last_error), job.finished_at, known[job.subject]
        )
        for job in seen
    ]


def _warnings(request: HttpRequest) -> list[str]:
    """Budgets near their end: a team's for its admins, all for who leads the house."""
    if is_superuser(request):
        teams = Team.objects.order_by("id").values_list("pk", flat=True)[:MOST_TEAMS]
        return [one.warning for one in budgets.standing(teams) if one.warning]
    membership = membership_in(request)
    if membership is None or membership.role != Role.ADMIN:
        return []
    found = budgets.standing([membership.team_id])
    return [one.warning for one in found if one.warning and (one.team_id is not None or one.is_spent)]

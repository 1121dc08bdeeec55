"""The operators' page of the queue: where each stage stands, live; retry, cancel, pause, and what is missing."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterable
from typing import Any, ParamSpec
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from searchsite.accounts import audit
from searchsite.accounts.models import Team
from searchsite.indexing import halting, missing, plan, vocabulary
from searchsite.indexing.advice import advice_for
from searchsite.jobs import care, failures
from searchsite.jobs.models import State
from searchsite.library.numbers import grouped
from searchsite.library.refusals import Refusal
from searchsite.web import queue_rows
from searchsite.web.doors import MemberRequest, MemberView, View, in_team
from searchsite.web.ids import team_of

P = ParamSpec("P")
# Forms carry a mask that is new each time, which is no change of the page.
MASKED = re.compile(r'<input type="hidden" name="csrfmiddlewaretoken" value="[^"]*">')


def _for_operators(*methods: str) -> Callable[[MemberView[P]], View]:
    """Let only people of staff in."""
    return in_team(*methods, may=lambda user: user.is_staff or user.is_superuser)


@_for_operators("GET")
def page(request: MemberRequest) -> HttpResponseBase:
    """Show where everything stands."""
    return render(request, "queue/page.html", _known(request))


@_for_operators("GET")
def live(request: MemberRequest) -> HttpResponseBase:
    """What may have changed; nothing, where nothing has."""
    if not request.htmx:
        return redirect(_home(request))
    html, digest = _live(request)
    return HttpResponse(status=204) if request.GET.get("seen") == digest else HttpResponse(html)


@_for_operators("GET")
def look(request: MemberRequest) -> HttpResponseBase:
    """Count what each stage has not made. Files are looked at, so it takes a moment."""
    chosen = _acting_team(request)
    found = [missing.look(kind, team_id=chosen) for kind in plan.BATCH]
    if request.htmx:
        return render(request, "queue/_missing.html", _known(request, found=found))
    return render(request, "queue/page.html", _known(request, found=found))


@_for_operators("POST")
def make(request: MemberRequest) -> HttpResponseBase:
    """Have made what a stage has not."""
    kind = _kind(request)
    if not plan.is_configured(kind):
        raise Refusal(_("Nothing is configured that does this."), code="not-configured")
    _require(_may_act(request))
    _write_down(audit.Action.WORK_ASKED, request, "missing")
    number = missing.enqueue_missing(kind, team_id=_acting_team(request))
    return _done(request, ngettext("%(n)s item will be processed.", "%(n)s items will be processed.", number), number)


@_for_operators("POST")
def retry(request: MemberRequest) -> HttpResponseBase:
    """Try again one job, a group, a stage's failures, or everything that failed."""
    _require(_may_act(request))
    teams = _teams(request)
    _write_down(audit.Action.WORK_ASKED, request, "retry")
    if "job" in request.POST or "reason" in request.POST:
        number = sum(care.retry(ids, teams=teams) for ids in _chosen(request, teams))
    else:
        number = care.retry_all(_kind(request) if request.POST.get("kind") else None, teams=teams)
    return _done(request, ngettext("%(n)s job will be tried again.", "%(n)s jobs will be tried again.", number), number)


@_for_operators("POST")
def cancel(request: MemberRequest) -> HttpResponseBase:
    """Cancel one job, give a group of failures up, or cancel all that waits of a stage."""
    _require(_may_act(request))
    teams = _teams(request)
    _write_down(audit.Action.WORK_CANCELLED, request, "cancel")
    if "job" in request.POST or "reason" in request.POST:
        chosen = _chosen(request, teams)
        number = sum(care.give_up(ids, teams=teams) + care.cancel(ids, teams=teams) for ids in chosen)
    else:
        number = care.cancel_waiting(_kind(request), teams=teams)
    return _done(request, ngettext("%(n)s job was cancelled.", "%(n)s jobs were cancelled.", number), number)


@_for_operators("POST")
def pause(request: MemberRequest) -> HttpResponseBase:
    """Pause a stage in the whole house."""
    _require(request.user.is_superuser)
    kind = _kind(request)
    halting.pause(kind, by=request.user.get_username(), reason=request.POST.get("reason", ""))
    return _done(request, _("%(stage)s is paused. What runs is finished.") % {"stage": vocabulary.stage_name(kind)})


@_for_operators("POST")
def resume(request: MemberRequest) -> HttpResponseBase:
    """Let a stage go on."""
    _require(request.user.is_superuser)
    kind = _kind(request)
    halting.resume(kind)
    return _done(request, _("%(stage)s goes on.") % {"stage": vocabulary.stage_name(kind)})


@_for_operators("GET")
def group(request: MemberRequest) -> HttpResponseBase:
    """The newest items of one group of failures."""
    kind, state, reason = (request.GET.get(name, "") for name in ("kind", "state", "reason"))
    if kind not in plan.BATCH or state not in (State.DEAD, State.CANCELLED):
        raise Http404
    chosen = _team(request)
    teams = queue_rows.told_teams(request) if chosen is None else [chosen.pk]
    ids, whole = failures.newest_of_group(kind, state, reason, teams=teams)
    if not ids:
        return redirect(_home(request))
    shown = queue_rows.jobs_of(request, ids[: queue_rows.MOST_SHOWN])
    number = grouped(len(ids)) + ("" if whole else "+")
    told = queue_rows.may_read(request, ids, reason)
    known = {"kind": kind, "state": state, "reason": reason if told else "", "sealed": not told, "count": len(ids)}
    known |= {"number": number, "jobs": shown, "advice": advice_for(kind, reason if told else "")}
    return render(request, "queue/group.html", known | _ways(request))


def _known(request: MemberRequest, **more: Any) -> dict[str, Any]:
    html, digest = _live(request)
    return {"live": html, "digest": digest, "shown_queue": True, **_ways(request), **more}


def _live(request: MemberRequest) -> tuple[SafeString, str]:
    """The part of the page that changes, and a digest of it that the next question names."""
    chosen = _team(request)
    shown = queue_rows.shown(request, chosen.pk if chosen else None)
    html = render_to_string("queue/_live.html", shown | _ways(request), request)
    digest = hashlib.sha256(MASKED.sub("", html).encode()).hexdigest()[:16]
    return SafeString(html.replace("SEEN", digest, 1)), digest  # nosec B703 - what the template escaped stays so


def _ways(request: MemberRequest) -> dict[str, Any]:
    """Whose queue is shown, what the person may do, and where the verbs are."""
    chosen = _team(request)
    everyone = list(Team.objects.order_by("name")) if request.user.is_superuser else []
    return {
        "team": chosen,
        "teams": everyone if len(everyone) > 1 else [],
        "query": "?" + urlencode({"team": chosen.public_id}) if chosen else "",
        "may_act": _may_act(request),
        "leads": request.user.is_superuser,
    }


def _team(request: MemberRequest) -> Team | None:
    """The one team that a superuser asked for; another's is as if it were not there."""
    wanted = request.GET.get("team", "")
    return team_of(wanted) if wanted and request.user.is_superuser else None


def _may_act(request: MemberRequest) -> bool:
    return request.user.is_superuser or request.membership.may_edit


def _teams(request: MemberRequest) -> Collection[int] | None:
    """Whose jobs the person may change: of staff those of the team they work in, of superusers all, or the chosen."""
    acting = _acting_team(request)
    return None if acting is None else [acting]


def _acting_team(request: MemberRequest) -> int | None:
    if not request.user.is_superuser:
        return request.membership.team_id
    chosen = _team(request)
    return chosen.pk if chosen else None


def _chosen(request: MemberRequest, teams: Collection[int] | None) -> Iterable[list[int]]:
    """One job by its number, or all of a group; a batch at a time."""
    number = request.POST.get("job", "")
    if number:
        return [[int(number)]] if number.isascii() and number.isdigit() and int(number) < 2**63 else []
    kind, state, reason = _kind(request), request.POST.get("state", ""), request.POST.get("reason", "")
    return failures.of_group(kind, state, reason, teams=teams) if state in (State.DEAD, State.CANCELLED) else []


def _write_down(action: audit.Action, request: MemberRequest, asked: str) -> None:
    """Before it is done: what was half done was asked for, too."""
    number, kind = request.POST.get("job", ""), request.POST.get("kind", "")
    what = ("job", number) if number.isascii() and number.isdigit() else ("stage", kind if kind in plan.BATCH else "")
    audit.note(action, what, team_id=_acting_team(request), asked=asked, group="reason" in request.POST)


def _kind(request: MemberRequest) -> str:
    kind = request.POST.get("kind", "")
    if kind not in plan.BATCH:
        raise Refusal(_("There is no such stage."), code="stage")
    return kind


def _require(allowed: bool) -> None:
    if not allowed:
        raise PermissionDenied


def _home(request: MemberRequest) -> str:
    chosen = _team(request)
    return reverse("queue") + (f"?{urlencode({'team': chosen.public_id})}" if chosen else "")


def _done(request: MemberRequest, words: str, number: int | None = None) -> HttpResponseBase:
    """Say what was done: within the page to a script, above the page else."""
    said = words if number is None else words % {"n": grouped(number)}
    if request.htmx:
        html, _digest = _live(request)
        return HttpResponse(html + render_to_string("queue/_told.html", {"said": said}))
    messages.success(request, said)
    return redirect(_home(request))

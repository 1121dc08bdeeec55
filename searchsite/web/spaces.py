"""The operators' page of spaces: what answers, what is configured, what building it would cost, and how far it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django_htmx.http import HttpResponseClientRefresh

from searchsite.accounts import audit, prices
from searchsite.indexing import estimates, finding, spaces, standing, uncaptioned, upkeep
from searchsite.indexing.estimates import Progress
from searchsite.indexing.finding import Finding
from searchsite.indexing.models import Space, SpaceStatus
from searchsite.inference.errors import InferenceError
from searchsite.library.numbers import grouped
from searchsite.web.doors import MemberRequest, View, in_team

P = ParamSpec("P")


@dataclass(frozen=True)
class Shown:
    """One space with how far it is."""

    space: Space
    progress: Progress
    disk: str
    findings: list[Finding]

    @property
    def state(self) -> str:
        """The space's status, or that it is full and waits to be activated."""
        is_full = self.space.status == SpaceStatus.BUILDING and not self.progress.lacking
        return "full" if is_full else self.space.status

    @property
    def kept_until(self) -> datetime | None:
        """When it is dropped unless somebody goes back to it."""
        return spaces.kept_until(self.space)

    @property
    def moves(self) -> bool:
        """Whether its numbers will change by themselves."""
        return self.space.status == SpaceStatus.BUILDING or (
            self.space.status == SpaceStatus.ACTIVE and self.progress.lacking > 0
        )

    @property
    def left(self) -> str:
        """How long it will take, at the pace of the last minute."""
        return estimates.duration(self.progress.left) if self.progress.left else ""


def _for_operators(
    *methods: str,
) -> Callable[[Callable[Concatenate[MemberRequest, P], HttpResponseBase]], View]:
    """Let only superusers in: spaces are the whole house's. A change that is refused says why, above the page."""

    def wrap(view: Callable[Concatenate[MemberRequest, P], HttpResponseBase]) -> View:
        def door(request: MemberRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            try:
                return view(request, *args, **kwargs)
            except InferenceError as error:
                messages.error(request, error.message)
            except spaces.NotNow as error:
                messages.error(request, str(error))
            return redirect("spaces")

        led = in_team(*methods, may=lambda user: user.is_superuser)
        return led(wraps(view)(door))  # type: ignore[arg-type]  # of what is wrapped, mypy forgets a name

    return wrap


@_for_operators("GET")
def page(request: MemberRequest) -> HttpResponseBase:
    """Show all spaces."""
    return _page(request)


@_for_operators("GET", "POST")
def estimate(request: MemberRequest) -> HttpResponseBase:
    """Show what a space of the configured embedder would take. It embeds a few parts to tell how fast that is."""
    if request.method != "POST":
        return redirect("spaces")
    found: dict[str, Any] = {}
    try:
        counted = estimates.plan_for()
        found = {
            "estimate": counted,
            "price": _dollars(counted.price),
            "captions_price": _dollars(counted.captions.price) if counted.captions else "",
            "time": estimates.duration(counted.seconds),
            "disk": estimates.size(counted.disk),
            "pictures": counted.parts.get("image", 0),
            "texts": counted.parts.get("text", 0),
        }
    except InferenceError as error:
        found = {"refused": error.message}
    if request.htmx:
        return render(request, "spaces/_estimate.html", found)
    return _page(request, **found)


@_for_operators("POST")
def build(request: MemberRequest) -> HttpResponseBase:
    """Begin the space of the configured embedder."""
    made = spaces.build()
    upkeep.fill(made)
    messages.success(request, _("%(space)s is being built. Searches stay with the one before.") % {"space": made})
    return redirect("spaces")


@_for_operators("POST")
def caption(request: MemberRequest) -> HttpResponseBase:
    """Have pictures captioned that no captioner has looked at."""
    found = uncaptioned.backlog()
    if found is None:
        messages.error(request, _("No captioner is configured."))
    else:
        audit.note(audit.Action.WORK_ASKED, ("stage", "caption"), asked="missing")
        on_the_way = uncaptioned.fill()
        said = {"number": grouped(on_the_way)}
        messages.success(request, _("Pictures to be captioned: %(number)s.") % said)
    return redirect("spaces")


@_for_operators("POST")
def activate(request: MemberRequest, number: int) -> HttpResponseBase:
    """Let a space answer from now on."""
    space = spaces.activate(_found(number), force=request.POST.get("force") == "yes")
    messages.success(request, _("%(space)s answers now.") % {"space": space})
    return redirect("spaces")


@_for_operators("POST")
def roll_back(request: MemberRequest) -> HttpResponseBase:
    """Let the space before answer again."""
    space, missing = spaces.roll_back()
    words = ngettext(
        "%(space)s answers again; %(missing)s part that came meanwhile is being embedded in it.",
        "%(space)s answers again; %(missing)s parts that came meanwhile are being embedded in it.",
        missing,
    )
    messages.success(request, words % {"space": space, "missing": grouped(missing)})
    return redirect("spaces")


@_for_operators("POST")
def cancel(request: MemberRequest, number: int) -> HttpResponseBase:
    """Stop building a space."""
    space = _found(number)
    spaces.cancel(space)
    messages.success(request, _("%(space)s is not built any more.") % {"space": space})
    return redirect("spaces")


@_for_operators("POST")
def drop(request: MemberRequest, number: int) -> HttpResponseBase:
    """Forget a retired space."""
    space = _found(number)
    spaces.drop(space)
    messages.success(request, _("%(space)s is dropped with its vectors.") % {"space": space})
    return redirect("spaces")


@_for_operators("GET")
def live(request: MemberRequest, number: int) -> HttpResponseBase:
    """The numbers of one space; the whole page anew once its state is another."""
    shown = _shown(_found(number))
    if request.htmx and request.GET.get("state") != shown.state:
        return HttpResponseClientRefresh()
    return render(request, "spaces/_progress.html", {"one": shown})


def notices(request: HttpRequest) -> dict[str, Any]:
    """For the templates: to operators, how things stand when another embedder is configured than answers."""
    return {"standing": SimpleLazyObject(lambda: _differing(request))}


def _differing(request: HttpRequest) -> standing.Standing | None:
    if not (request.user.is_authenticated and request.user.is_superuser):
        return None
    now = standing.now()
    return now if now.differs else None


def _page(request: MemberRequest, **more: Any) -> HttpResponse:
    kept = Space.objects.exclude(status=SpaceStatus.DROPPED)
    order = {status: place for place, status in enumerate(("active", "building", "retired"))}
    shown = sorted(map(_shown, kept), key=lambda one: (order[one.space.status], -one.space.pk))
    now = standing.now()
    beside = now.beside
    known = {
        "shown": shown,
        "shown_spaces": True,
        "now": now,
        "may_build": now.serving is not None and now.differs,
        "beside": next((one for one in shown if beside is not None and one.space == beside), None),
        "previous": spaces.previous(),
        "captions": uncaptioned.backlog(),
    }
    return render(request, "spaces/page.html", known | more)


def _shown(space: Space) -> Shown:
    disk = estimates.size(estimates.disk(space))
    return Shown(space, estimates.progress(space), disk, finding.findings(space))


def _dollars(price: Decimal | None) -> str:
    return _("not known") if price is None else prices.dollars(price)


def _found(number: int) -> Space:
    space = Space.objects.exclude(status=SpaceStatus.DROPPED).filter(pk=number).first() if number < 2**63 else None
    if space is None:
        raise Http404("There is no such space.")
    return space

"""Which items a request is about: some by their ids, or all results of the search in its address."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.core.cache import caches
from django.http import Http404
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from searchsite.library.models import Item, ItemQuerySet
from searchsite.library.numbers import grouped
from searchsite.library.refusals import Refusal
from searchsite.search import every, questions
from searchsite.web import narrowing
from searchsite.web.doors import MemberRequest
from searchsite.web.ids import parsed

KEPT_SECONDS = 3600
KEPT_EACH = 5


@dataclass(frozen=True)
class Chosen:
    """Ids of the items, and how many that were named are not there for this person."""

    ids: tuple[int, ...]
    missing: int = 0


def of(request: MemberRequest, *, among: ItemQuerySet | None = None) -> Chosen:
    """Read what is chosen: `one`, or `id` (several, also in one), or `all=1` with the parameters of a search.

    all: without those in `except`, and without what came after the moment `until`. among: where ids are looked up,
    else all that is visible. Raises Refusal, and Http404 where nothing of what is named is there.
    """
    if request.POST.get("all"):
        return _all(request)
    named = _uuids(request.POST.getlist("one") or request.POST.getlist("id"))
    if not named:
        raise Refusal(_("Nothing is selected."), code="nothing-selected")
    if len(named) > every.MOST:
        most = _("At most %(most)s items can be changed at once.") % {"most": grouped(every.MOST)}
        raise Refusal(most, code="too-many")
    rows = among if among is not None else Item.objects.visible_to(request.scope)
    found = dict(rows.filter(public_id__in=named).values_list("public_id", "pk"))
    if not found:
        raise Http404(_("Nothing here."))
    return Chosen(tuple(found[one] for one in named if one in found), len(named) - len(found))


def _all(request: MemberRequest) -> Chosen:
    try:
        question = narrowing.asked(request.GET)
        found = every.every(question, request.scope, until=moment(request.POST.get("until", "")))
    except questions.BadQuestion as wrong:
        status = 404 if isinstance(wrong, questions.NotFound) else 422
        raise Refusal(str(wrong), code="bad-question", status=status) from wrong
    left_out = set(
        Item.objects.filter(public_id__in=_uuids(request.POST.getlist("except"))).values_list("pk", flat=True)
    )
    return Chosen(tuple(pk for pk in found if pk not in left_out))


def keep(request: MemberRequest, what: str, value: Mapping[str, Any]) -> str:
    """Keep something for this person for an hour; returns the key under which only they find it.

    The last five of a kind are kept. Of two at the very same moment one may take the other's place.
    """
    lists, turns = caches["lists"], f"{what}:{request.user.pk}:turn"
    turn = (lists.get(turns, -1) + 1) % KEPT_EACH
    lists.set(turns, turn, KEPT_SECONDS)
    key = f"{turn}{secrets.token_urlsafe(16)}"
    lists.set(_place(request, what, key), (key, request.scope.team_id, dict(value)), KEPT_SECONDS)
    return key


def kept(request: MemberRequest, what: str, key: str) -> dict[str, Any]:
    """Return what was kept, or 404."""
    if re.fullmatch(r"\d[A-Za-z0-9_-]{22}", key):
        was, team, value = caches["lists"].get(_place(request, what, key)) or ("", 0, {})
        if secrets.compare_digest(was, key) and team == request.scope.team_id:
            found: dict[str, Any] = value
            return found
    raise Http404(_("Nothing here."))


def forget(request: MemberRequest, what: str, key: str) -> None:
    """Keep it no longer."""
    caches["lists"].delete(_place(request, what, key))


def moment(value: str) -> datetime | None:
    """Read a moment; None where none is given. Raises Refusal where it is none: what is meant to be left out stays."""
    if not value:
        return None
    try:
        found = parse_datetime(value)
        if found is not None and found.tzinfo is not None:
            return found.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise Refusal(_("A moment is written like 2026-01-31T12:00:00Z."), code="moment")


def _place(request: MemberRequest, what: str, key: str) -> str:
    return f"{what}:{request.user.pk}:{key[0]}"


def _uuids(values: list[str]) -> list[UUID]:
    """The ids that are any, each once."""
    found = map(parsed, " ".join(values).replace(",", " ").split())
    return list(dict.fromkeys(one for one in found if one))

"""What is done with a selection: counted, moved, tagged, thrown away, told what it is; and undone."""

from __future__ import annotations

from collections.abc import Mapping

from django.http import Http404, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from searchsite.library import bulk, collections, tags
from searchsite.library.bulk import Outcome
from searchsite.library.models import Collection, Item
from searchsite.library.numbers import grouped
from searchsite.library.refusals import Refusal
from searchsite.library.scope import Scope, scope_for
from searchsite.search.every import MOST
from searchsite.web import chosen, outcomes
from searchsite.web.doors import MemberRequest, in_team
from searchsite.web.ids import parsed

SUGGESTED, SHOWN_TAGS = 300, 60


@in_team("POST")
def count(request: MemberRequest) -> HttpResponseBase:
    """Say how many a selection is by now, how many of them may be changed, and at which moment that was so."""
    moment = timezone.now()
    ids = chosen.of(request).ids
    said = ngettext("All %(number)s result is selected.", "All %(number)s results are selected.", len(ids))
    if len(ids) >= MOST:
        said = _("The first %(number)s results are selected: so many can be changed at once.")
    shown = {"number": len(ids), "writable": _writable(ids, request.scope), "until": moment.isoformat()}
    return JsonResponse(shown | {"said": said % {"number": grouped(len(ids))}})


@in_team("GET", "POST")
def move(request: MemberRequest) -> HttpResponseBase:
    """Show where to, or move: into one of the collections, or into a new one."""
    if request.method != "POST":
        return _where_to(request)
    what = chosen.of(request)
    target, scope = _target(request)
    outcome = bulk.move_all(what.ids, target, scope=scope)
    number = len(outcome.done)
    said = ngettext("%(number)s item moved to “%(name)s”.", "%(number)s items moved to “%(name)s”.", number)
    values = {"number": grouped(number), "name": target.shown_name}
    return outcomes.answer(request, said % values, outcome, of=what, undo="move")


@in_team("POST")
def tagging(request: MemberRequest) -> HttpResponseBase:
    """Show what the selection is tagged with, and what it could be."""
    what = chosen.of(request)
    shown = {
        "number": len(what.ids),
        "counted": tags.counted(what.ids)[:SHOWN_TAGS],
        "suggested": tags.used(request.scope, limit=SUGGESTED),
        "read_only": len(what.ids) - _writable(what.ids, request.scope),
    }
    return render(request, "selection/_tags.html", shown)


@in_team("POST")
def tag(request: MemberRequest) -> HttpResponseBase:
    """Put tags on the selection, and take others off."""
    what = chosen.of(request)
    add = ",".join(request.POST.getlist("add")).split(",")
    outcome = bulk.tag_all(what.ids, add=add, remove=request.POST.getlist("remove"), scope=request.scope)
    said = ngettext("Tags of %(number)s item changed.", "Tags of %(number)s items changed.", len(outcome.done))
    return outcomes.answer(request, said % {"number": grouped(len(outcome.done))}, outcome, of=what)


@in_team("POST")
def kind(request: MemberRequest) -> HttpResponseBase:
    """Say of the selected pictures whether they are photos or screenshots."""
    what = chosen.of(request)
    outcome = bulk.set_kind_all(what.ids, request.POST.get("as", ""), scope=request.scope)
    number = len(outcome.done)
    said = {
        "image": ngettext("%(number)s item is a photo now.", "%(number)s items are photos now.", number),
        "screenshot": ngettext("%(number)s item is a screenshot now.", "%(number)s items are screenshots now.", number),
    }[request.POST["as"]]
    return outcomes.answer(request, said % {"number": grouped(number)}, outcome, of=what)


@in_team("POST")
def discarding(request: MemberRequest) -> HttpResponseBase:
    """Ask once more, with the number, before many items are thrown away."""
    ids = chosen.of(request).ids
    mine = _writable(ids, request.scope)
    return render(request, "selection/_discarding.html", {"number": mine, "read_only": len(ids) - mine})


@in_team("POST")
def discard(request: MemberRequest) -> HttpResponseBase:
    """Move the selection to the trash."""
    what = chosen.of(request)
    outcome = bulk.trash_all(what.ids, scope=request.scope)
    number = len(outcome.done)
    said = ngettext("%(number)s item is in the trash.", "%(number)s items are in the trash.", number)
    return outcomes.answer(request, said % {"number": grouped(number)}, outcome, of=what, undo="restore")


@in_team("POST")
def undo(request: MemberRequest) -> HttpResponseBase:
    """Take back what was just done: out of the trash, or to where each item was. Once."""
    key = request.POST.get("key", "")
    done = chosen.kept(request, "undo", key)
    was: Mapping[int, int] = done["was"]
    outcome = (
        bulk.restore_all(was, scope=request.scope) if done["verb"] == "restore" else _moved_back(was, request.scope)
    )
    chosen.forget(request, "undo", key)
    number = len(outcome.done)
    said = ngettext("%(number)s item is back.", "%(number)s items are back.", number)
    return outcomes.answer(request, said % {"number": grouped(number)}, outcome)


def _where_to(request: MemberRequest) -> HttpResponseBase:
    places = Collection.objects.filter(pk__in=request.scope.writable_ids).order_by("-purpose", "name")
    shown = {"places": places, "ids": request.GET.getlist("id"), "next": request.GET.get("next", "")}
    return render(request, "parts/_move.html" if request.htmx else "selection/move.html", shown)


def _target(request: MemberRequest) -> tuple[Collection, Scope]:
    """The collection that is named, or a new one; and the rights, which know the new one."""
    name, wanted = request.POST.get("name", "").strip(), request.POST.get("target", "")
    if wanted == "new":
        if not request.membership.may_edit:
            raise Refusal(_("You may not make collections in this team."), code="read-only", status=403)
        made = collections.create_collection(request.scope.team_id, name, maker=request.user)
        return made, scope_for(request.user, request.scope.team_id)
    public_id = parsed(wanted)
    if public_id is None:
        raise Refusal(_("Choose a collection first."), code="missing")
    found = Collection.objects.filter(public_id=public_id, pk__in=request.scope.collection_ids).first()
    if found is None:
        raise Http404(_("Nothing here."))
    return found, request.scope


def _moved_back(was: Mapping[int, int], scope: Scope) -> Outcome:
    done: dict[int, int] = {}
    skipped: list[bulk.Skipped] = []
    for place in Collection.objects.filter(pk__in=set(was.values()) & set(scope.writable_ids)):
        some = bulk.move_all([pk for pk, before in was.items() if before == place.pk], place, scope=scope)
        done |= some.done
        skipped += some.skipped
    known = done.keys() | {one.item_id for one in skipped}
    return Outcome(done, (*skipped, *(bulk.Skipped(pk, "", "gone") for pk in was if pk not in known)))


def _writable(ids: tuple[int, ...], scope: Scope) -> int:
    return Item.objects.filter(pk__in=ids, collection_id__in=scope.writable_ids).count()

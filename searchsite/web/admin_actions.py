"""What a librarian does to many items at once: a page that says what will happen to how many, then one verb."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from searchsite.accounts.models import User
from searchsite.indexing import again, plan
from searchsite.library import bulk, collections, trash
from searchsite.library.models import Collection, Item, Kind
from searchsite.library.numbers import grouped
from searchsite.library.refusals import Refusal
from searchsite.library.scope import Scope
from searchsite.web.admin_scope import Scoped, scopes_for

MOST = 10_000
SHOWN = 12
Run = Callable[[list[int], Scope, dict[str, Any]], bulk.Outcome]
STAGES = (
    (plan.DECODE, gettext_lazy("Everything, from the file on")),
    (plan.READ, gettext_lazy("Read the text in pictures again")),
    (plan.CAPTION, gettext_lazy("Describe pictures again (a paid captioner costs money)")),
    (plan.EMBED, gettext_lazy("Embed again")),
)


class Nothing(forms.Form):
    """Nothing is asked: the number and the button say it."""

    def __init__(self, *args: Any, scopes: Mapping[int, Scope], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)


class MoveForm(Nothing):
    """Where to: a collection of the same team, or a new one."""

    target = forms.ModelChoiceField(Collection.objects.none(), label=gettext_lazy("Collection"), required=False)
    name = forms.CharField(label=gettext_lazy("Or a new collection"), max_length=100, required=False)

    def __init__(self, *args: Any, scopes: Mapping[int, Scope], **kwargs: Any) -> None:
        super().__init__(*args, scopes=scopes, **kwargs)
        self.scopes = scopes
        choice = self.fields["target"]
        assert isinstance(choice, forms.ModelChoiceField)
        ids = [pk for scope in scopes.values() for pk in scope.writable_ids] if len(scopes) == 1 else []
        choice.queryset = Collection.objects.filter(pk__in=ids).order_by("name")
        choice.widget.attrs["autofocus"] = True

    def clean(self) -> dict[str, Any]:
        """One of both; items of several teams have no place in common."""
        data = super().clean() or {}
        if len(self.scopes) > 1:
            raise forms.ValidationError(_("These items are of several teams. Choose items of one team."))
        if bool(data.get("target")) == bool((data.get("name") or "").strip()) and not self.errors:
            raise forms.ValidationError(_("Choose a collection, or name a new one."))
        return data


class AgainForm(Nothing):
    """Which stages."""

    stage = forms.ChoiceField(
        label=gettext_lazy("What is done again"), choices=STAGES, widget=forms.RadioSelect, initial=plan.DECODE
    )


class KindForm(Nothing):
    """What the pictures are."""

    kind = forms.ChoiceField(
        label=gettext_lazy("The pictures are"),
        choices=[(one.value, one.label) for one in (Kind.IMAGE, Kind.SCREENSHOT)],
        widget=forms.RadioSelect,
    )


class TagsForm(Nothing):
    """Which tags come and go."""

    add = forms.CharField(
        label=gettext_lazy("Tags to add"), required=False, help_text=gettext_lazy("With commas between them")
    )
    remove = forms.CharField(label=gettext_lazy("Tags to take off"), required=False)

    def clean(self) -> dict[str, Any]:
        """At least one."""
        data = super().clean() or {}
        if not any((data.get(name) or "").strip(" ,") for name in ("add", "remove")):
            raise forms.ValidationError(_("Write at least one tag."))
        return data


@dataclass(frozen=True)
class Action:
    """One thing that is done to many items. `does` is on the button, `says` below the number."""

    name: str
    does: str | Promise
    says: str | Promise
    form: type[Nothing]
    run: Run
    careful: bool = False


def _move(ids: list[int], scope: Scope, asked: dict[str, Any]) -> bulk.Outcome:
    target = asked["target"]
    if target is None:
        maker = User.objects.get(pk=scope.user_id)
        target = collections.create_collection(scope.team_id, asked["name"], maker=maker)
        wider = (*scope.collection_ids, target.pk), (*scope.writable_ids, target.pk)
        scope = replace(scope, collection_ids=wider[0], writable_ids=wider[1])
    return bulk.move_all(ids, target, scope=scope)


def _tag(ids: list[int], scope: Scope, asked: dict[str, Any]) -> bulk.Outcome:
    return bulk.tag_all(ids, add=asked["add"].split(","), remove=asked["remove"].split(","), scope=scope)


ACTIONS: Mapping[str, Action] = {
    one.name: one
    for one in (
        Action(
            "move",
            gettext_lazy("Move to a collection"),
            gettext_lazy("They keep their tags and texts. Who sees them is decided by the collection."),
            MoveForm,
            _move,
        ),
        Action(
            "tag",
            gettext_lazy("Add or remove tags"),
            gettext_lazy("Other tags stay. What is taken off, no machine puts there again."),
            TagsForm,
            _tag,
        ),
        Action(
            "set_kind",
            gettext_lazy("Set the kind"),
            gettext_lazy("What you say stays, whatever the rule or a captioner says later."),
            KindForm,
            lambda ids, scope, asked: bulk.set_kind_all(ids, asked["kind"], scope=scope),
        ),
        Action(
            "reprocess",
            gettext_lazy("Process again"),
            gettext_lazy("It is done behind everything that waits. What people wrote stays, and items stay findable."),
            AgainForm,
            lambda ids, scope, asked: again.do_again(ids, asked["stage"], scope=scope),
        ),
        Action(
            "move_to_trash",
            gettext_lazy("Move to the trash"),
            gettext_lazy("Nobody finds them any more. They can be restored for some weeks and are then deleted."),
            Nothing,
            lambda ids, scope, asked: bulk.trash_all(ids, scope=scope),
            careful=True,
        ),
        Action(
            "restore",
            gettext_lazy("Restore from the trash"),
            gettext_lazy("They go back to where they were, or to the Inbox where that is gone."),
            Nothing,
            lambda ids, scope, asked: bulk.restore_all(ids, scope=scope),
        ),
    )
}


def perform(site: Scoped, request: HttpRequest, items: QuerySet[Item], action: Action) -> HttpResponse | None:
    """Ask on a page of its own; once it is confirmed, do it and say what came of it."""
    plain = items.order_by("-created_at", "-id")
    rows = list(plain.values_list("pk", "team_id", "collection_id", "trashed_from_id")[: MOST + 1])
    if len(rows) > MOST:
        said = _("At most %(most)s items at once: narrow the list by a filter.") % {"most": grouped(MOST)}
        messages.error(request, said)
        return None
    scopes = scopes_for(request, {row[1] for row in rows})
    confirmed = "confirmed" in request.POST
    form = action.form(request.POST if confirmed else None, scopes=scopes)
    if confirmed and form.is_valid():
        try:
            _do(request, rows, scopes, action, form.cleaned_data)
            return None
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    return _asked(site, request, items, action, form=form, rows=rows, scopes=scopes)


def _do(
    request: HttpRequest, rows: Sequence[Any], scopes: Mapping[int, Scope], action: Action, asked: dict[str, Any]
) -> None:
    by_team: dict[int, list[int]] = defaultdict(list)
    for pk, team, *_rest in rows:
        by_team[team].append(pk)
    done: list[int] = []
    left: Counter[str] = Counter()
    for team, ids in by_team.items():
        outcome = action.run(ids, scopes[team], asked)
        done += outcome.done
        left.update(outcome.reasons)
    _write_down(request, done, action)
    n = len(done)
    told = ngettext("%(does)s: %(n)s item.", "%(does)s: %(n)s items.", n) % {"does": action.does, "n": grouped(n)}
    (messages.success if done else messages.warning)(request, told)
    for why, number in left.most_common():
        said = ngettext("%(n)s item was left: %(why)s.", "%(n)s items were left: %(why)s.", number)
        words = _("a text has no such stage") if why == "no-stage" else bulk.reason_of(why)
        messages.warning(request, said % {"n": grouped(number), "why": words})


def _write_down(request: HttpRequest, done: Sequence[int], action: Action) -> None:
    """A line in the history of each item."""
    kind = ContentType.objects.get_for_model(Item)
    titles = Item.objects.filter(pk__in=done).values_list("pk", "title")
    rows = [
        LogEntry(
            user_id=int(request.user.pk or 0),
            content_type=kind,
            object_id=str(pk),
            object_repr=title[:200],
            action_flag=CHANGE,
            change_message=str(action.does),
        )
        for pk, title in titles
    ]
    LogEntry.objects.bulk_create(rows, batch_size=1000)


def _asked(site: Scoped, request: HttpRequest, items: QuerySet[Item], action: Action, **known: Any) -> TemplateResponse:
    rows, scopes = known["rows"], known["scopes"]
    writable = {pk for scope in scopes.values() for pk in scope.writable_ids}
    place = 3 if action.name == "restore" else 2
    barred = sum(row[place] is not None and row[place] not in writable for row in rows)
    some = list(items.select_related(None).only("pk", "public_id", "title", "kind")[:SHOWN])
    across = request.POST.get("select_across") == "1"
    context = {
        **site.admin_site.each_context(request),
        "title": action.does,
        "opts": Item._meta,
        "action": action,
        "form": known["form"],
        "number": len(rows),
        "barred": barred,
        "some": some,
        "further": len(rows) - len(some),
        # Across pages the filters of the address choose them again; else their ids do.
        "chosen": [] if across else [row[0] for row in rows],
        "across": across,
        "address": request.get_full_path(),
        "kept_days": trash.KEPT.days,
    }
    return TemplateResponse(request, "admin/library/item/action.html", context)

"""One item in the admin: what people say of it, by the verbs that its page uses, too; its picture and its stages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponseNotAllowed, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from searchsite.indexing import plan, stages, vocabulary
from searchsite.library import edits, notes, trash
from searchsite.library.files import VIEW
from searchsite.library.models import Collection, Item, ItemTag, Kind, Part, PartRole
from searchsite.library.numbers import grouped
from searchsite.library.refusals import Refusal
from searchsite.library.scope import Scope
from searchsite.web import files
from searchsite.web.admin_scope import Scoped, is_superuser, scopes_for

AGAIN = {stages.FAILED, stages.CANCELLED}


class Lines(forms.CharField):
    """Several lines as they are: browsers send their ends as two characters."""

    widget = forms.Textarea

    def __init__(self, rows: int, **kwargs: Any) -> None:
        super().__init__(required=False, strip=False, widget=forms.Textarea(attrs={"rows": rows}), **kwargs)

    def to_python(self, value: Any) -> str:
        """With one character at each end of a line."""
        return (super().to_python(value) or "").replace("\r\n", "\n")


class ItemForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """What people say of an item. The verbs are called where it is cleaned, so that what they refuse is an error of
    the form and nothing that was typed is lost."""

    scope: Scope | None = None

    title = forms.CharField(label=gettext_lazy("Title"), max_length=255, widget=forms.TextInput(attrs={"size": 60}))
    kind = forms.ChoiceField(label=gettext_lazy("Kind"), required=False)
    collection = forms.ModelChoiceField(
        Collection.objects.none(), label=gettext_lazy("Collection"), empty_label=None, required=False
    )
    tags = forms.CharField(
        label=gettext_lazy("Tags"),
        required=False,
        widget=forms.TextInput(attrs={"size": 60}),
        help_text=gettext_lazy("With commas between them"),
    )
    caption = Lines(3, label=gettext_lazy("Caption"))
    text = Lines(10, label=gettext_lazy("Text"))

    class Meta:
        model = Item
        fields = ("title",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        item = self.instance
        for name in [name for name in self.fields if name not in fields_of(item)]:
            del self.fields[name]
        kind, place = self.fields.get("kind"), self.fields.get("collection")
        if isinstance(kind, forms.ChoiceField):
            kind.choices = [(one.value, one.label) for one in (Kind.IMAGE, Kind.SCREENSHOT)]
        if isinstance(place, forms.ModelChoiceField) and self.scope is not None:
            ids = {*self.scope.writable_ids, item.collection_id}
            place.queryset = Collection.objects.filter(pk__in=ids).order_by("name")
            place.choices = [(one.pk, one.shown_name) for one in place.queryset]
        self.initial.update({"kind": item.kind, "collection": item.collection_id, **said_of(item)})

    def clean_collection(self) -> Collection | None:
        """It may be left out, but where it is sent it is one."""
        place: Collection | None = self.cleaned_data["collection"]
        if place is None and "collection" in self.data:
            raise ValidationError(self.fields["collection"].error_messages["required"], code="required")
        return place

    def clean(self) -> dict[str, Any]:
        """Write what was changed, all of it or nothing."""
        data = super().clean() or {}
        if self.errors or self.scope is None:
            return data
        # Cleaning has put the new values into the instance; the verbs compare with what is stored.
        item = Item.objects.select_related("blob", "collection").get(pk=self.instance.pk)
        try:
            with transaction.atomic():
                for name in [name for name in self.changed_data if name in self.data]:
                    _write(item, name, data[name], self.scope)
        except Refusal as refusal:
            raise ValidationError(str(refusal)) from refusal
        return data

    def _post_clean(self) -> None:
        """Nothing is put into the instance: the verbs have written it."""
        self.instance.title = self.cleaned_data.get("title", self.instance.title)


def _write(item: Item, name: str, value: Any, scope: Scope) -> None:
    match name:
        case "title":
            edits.rename(item, value, scope=scope)
        case "tags":
            edits.retag(item, value.split(","), scope=scope)
        case "kind":
            edits.set_kind(item, value, scope=scope)
        case "caption":
            edits.set_caption(item, value, scope=scope)
        case "collection":
            edits.move(item, value, scope=scope)
        case "text" if item.is_picture:
            edits.set_text(item, value, scope=scope)
        case "text":
            notes.rewrite(item, notes.Draft(item.title, value), scope=scope)


def said_of(item: Item) -> dict[str, str]:
    """What is said of an item by now."""
    texts = {PartRole.CAPTION.value: "", PartRole.OCR.value: "", PartRole.CONTENT.value: ""}
    parts = Part.objects.filter(item=item, role__in=texts).order_by("ordinal")
    for role, text in parts.values_list("role", "text"):
        texts[role] += text
    tags = ItemTag.objects.filter(item=item).order_by("-source", "id").values_list("tag__name", flat=True)
    own = PartRole.OCR if item.is_picture else PartRole.CONTENT
    return {"tags": ", ".join(tags), "caption": texts[PartRole.CAPTION], "text": texts[own]}


def fields_of(item: Item | None) -> tuple[str, ...]:
    """What can be said of this kind of item."""
    if item is not None and item.is_picture:
        return ("title", "kind", "collection", "tags", "caption", "text")
    said = ("title", "collection", "tags")
    return (*said, "text") if item is not None and notes.is_note(item) else said


def fieldsets_for(item: Item | None) -> list[tuple[Any, dict[str, Any]]]:
    """The form's two parts."""
    return [
        (None, {"fields": fields_of(item)}),
        (_("Facts"), {"fields": ("size", "created_by", "created_at", "page")}),
    ]


def within(form: type[ItemForm], request: HttpRequest, item: Item | None) -> type[ItemForm]:
    """The form in the name of the person who asked for it."""
    if item is None:
        return form
    return type("ItemFormWithin", (form,), {"scope": scopes_for(request, {item.team_id})[item.team_id]})


def size_of(item: Item) -> str:
    """Pixels and bytes."""
    if item.blob is None:
        return _("a note")
    size = ngettext("%(n)s byte", "%(n)s bytes", item.blob.size) % {"n": grouped(item.blob.size)}
    return f"{item.width} × {item.height}, {size}, {item.blob.media_type}" if item.width else size


def beside(site: Scoped, request: HttpRequest, object_id: str) -> dict[str, Any]:
    """What the page shows beside the form: the picture, and each stage with what can be done about it."""
    item = site.get_object(request, object_id) if object_id.isdecimal() else None
    if item is None:
        return {}
    progress = stages.status_of([item])[item.pk]
    rows = [
        {
            "kind": kind,
            "name": vocabulary.stage_name(kind),
            "state": one.state,
            "shown": vocabulary.state_name(one.state),
            "error": one.error,
            "again": one.state in AGAIN,
        }
        for kind, one in progress.stages.items()
        if one.state != stages.NOT_NEEDED
    ]
    picture = ""
    if item.is_picture and item.width is not None:
        picture = reverse("admin:library_item_thumbnail", args=[item.pk, VIEW])
    return {"stages": rows, "picture": picture, "may_change": site.has_change_permission(request, item)}


def _found(site: Scoped, request: HttpRequest, pk: int) -> Item:
    """The item, if the person sees it and may change anything; each button asks on."""
    item: Item | None = site.get_object(request, str(pk))
    if item is None:
        raise Http404(_("Nothing here."))
    if not site.has_change_permission(request):
        raise PermissionDenied
    return item


def _retry(site: Scoped, request: HttpRequest, item: Item, scope: Scope) -> str:
    """Try a stage again."""
    kind = request.POST.get("stage", "")
    if not site.has_change_permission(request, item):
        raise PermissionDenied
    if kind not in plan.BATCH or not stages.retry(item, kind):
        raise Refusal(_("There is nothing to try again."), code="nothing")
    return _("“%(stage)s” will be tried again.") % {"stage": vocabulary.stage_name(kind)}


def _discard(site: Scoped, request: HttpRequest, item: Item, scope: Scope) -> str:
    trash.trash(item, scope=scope)
    return _("It is in the trash for %(days)s days.") % {"days": trash.KEPT.days}


def _restore(site: Scoped, request: HttpRequest, item: Item, scope: Scope) -> str:
    # What nobody else could take back, who leads the house can.
    trash.restore(item, scope=None if is_superuser(request) else scope)
    return _("It is back.")


def _pressed(do: Callable[[Scoped, HttpRequest, Item, Scope], str]) -> Callable[..., HttpResponseBase]:
    """A button of the form: do one thing, note it in the history, and come back."""

    def view(site: Scoped, request: HttpRequest, pk: int) -> HttpResponseBase:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        item = _found(site, request, pk)
        try:
            said = do(site, request, item, scopes_for(request, {item.team_id})[item.team_id])
        except Refusal as refusal:
            if refusal.status == 403:
                raise PermissionDenied from refusal
            messages.error(request, str(refusal))
        else:
            site.log_change(request, item, said)
            messages.success(request, said)
        return HttpResponseRedirect(reverse("admin:library_item_change", args=[pk]))

    return view


def thumbnail(site: Scoped, request: HttpRequest, pk: int, size: int) -> HttpResponseBase:
    """A derivative of whatever the person sees in the admin: of other teams and the trash, too."""
    if not site.has_view_permission(request):
        raise PermissionDenied
    item = site.get_object(request, str(pk))
    if item is None:
        raise Http404
    return files.derivative(request, item, size)


BUTTONS = {"retry": _pressed(_retry), "trash": _pressed(_discard), "restore": _pressed(_restore)}

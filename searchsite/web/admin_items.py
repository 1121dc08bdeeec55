"""The admin of items: thumbnails, filters, search in the library's own indexes, and what is done to many at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.contrib.postgres.search import SearchQuery
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from searchsite.indexing import stages, vocabulary
from searchsite.library import trash
from searchsite.library.files import THUMBNAIL
from searchsite.library.models import TEXT_CONFIG, Item, Part
from searchsite.web import admin_actions, admin_item_form, admin_upload
from searchsite.web.admin_filters import ByPerson, InCollection, OfTeam, Since, WithTag
from searchsite.web.admin_item_filters import SHOWN_STATES, StatusFilter, TrashFilter
from searchsite.web.admin_scope import Scoped, by_role, is_superuser, scope_in

# A search looks at so many matches of each index.
MOST_MATCHES = 1000
SHORTEST = 3


def _act(name: str) -> Any:
    action = admin_actions.ACTIONS[name]

    def act(site: Scoped, request: HttpRequest, items: QuerySet[Item]) -> HttpResponse | None:
        return admin_actions.perform(site, request, items, action)

    act.__name__ = name
    description: Any = action.does  # lazy: said in the language of each request
    return admin.action(description=description, permissions=["act"])(act)


@admin.register(Item)
class ItemAdmin(Scoped):
    """Items. They come in by upload, change through their verbs, and leave by the trash."""

    list_display = ("thumbnail", "name", "status", "created_by", "created_at")
    list_display_links = None
    list_filter = (TrashFilter, "kind", StatusFilter, Since, InCollection, WithTag, ByPerson, OfTeam)
    # The fields that are searched are those of the indexes; this has Django show the box.
    search_fields = ("title",)
    search_help_text = gettext_lazy(
        "Words in titles, captions, texts and tags, or parts of titles; a number: that item"
    )
    ordering = ("-created_at", "-id")
    sortable_by = ("created_at",)
    unsure = frozenset({"status", "tag"})
    actions = tuple(map(_act, admin_actions.ACTIONS))
    rights = by_role(editor=frozenset({"view", "add", "change"}), admin=frozenset({"view", "add", "change"}))
    superuser_rights = frozenset({"view", "add", "change"})
    form = admin_item_form.ItemForm
    change_form_template = "admin/library/item/change_form.html"
    change_list_template = "admin/library/item/change_list.html"

    def seen_by(self, request: HttpRequest, rows: QuerySet[Item]) -> QuerySet[Item]:
        """Items in collections of the scope, and what of the trash may be restored."""
        scope = scope_in(request)
        here = Q(collection_id__in=scope.collection_ids)
        if request.GET.get("trash") or (request.resolver_match and request.resolver_match.kwargs):
            here |= Q(pk__in=trash.restorable(scope).values("pk"))
        return rows.filter(here)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Item]:
        """Without what only searches need."""
        related = ("collection", "created_by", "blob", "trashed_from", "team")
        items: QuerySet[Item] = super().get_queryset(request)
        return items.select_related(*related).defer("title_search", "placeholder")

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Item | None:
        """Looked up once a request."""
        known: dict[str, Item | None] = request.__dict__.setdefault("admin_item", {})
        if object_id not in known:
            known[object_id] = super().get_object(request, object_id, from_field)
        return known[object_id]

    def finished(self, request: HttpRequest, rows: Sequence[Any]) -> Sequence[Any]:
        """Look up how far the items of one page are."""
        known = stages.status_of(rows)
        for item in rows:
            item.progress = known[item.pk]
        return rows

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Item], search_term: str
    ) -> tuple[QuerySet[Item], bool]:
        """Find words by full text and parts of titles by trigrams, within what the person sees."""
        term = search_term.strip().replace("\0", "")
        if not term:
            return queryset, False
        asked = SearchQuery(term, config=TEXT_CONFIG, search_type="websearch")
        seen = self.get_queryset(request).select_related(None).order_by().values("pk")
        items, parts = Item.objects.order_by(), Part.objects.order_by().filter(search=asked)
        if not is_superuser(request):
            items, parts = items.filter(pk__in=seen), parts.filter(item__in=seen)
        titles = Q(title_search=asked) | Q(title__icontains=term) if len(term) >= SHORTEST else Q(title_search=asked)
        # Union, not OR: each half reads its own index.
        found = items.filter(titles).values_list("pk", flat=True)[: MOST_MATCHES + 1]
        ids = set(found.union(parts.values_list("item_id", flat=True)[: MOST_MATCHES + 1]))
        if len(ids) > MOST_MATCHES:
            # So common a word is met soon wherever one looks: the newest of its items are found on the way.
            said = Exists(Part.objects.filter(item=OuterRef("pk"), search=asked))
            return queryset.filter(titles | Q(said)), False
        return queryset.filter(pk__in=ids), False

    def has_change_permission(self, request: HttpRequest, obj: Item | None = None) -> bool:
        """Only in what the scope may change, and not in the trash."""
        allowed = super().has_change_permission(request, obj)
        if obj is None or not allowed:
            return allowed
        return obj.trashed_at is None and (is_superuser(request) or obj.collection_id in scope_in(request).writable_ids)

    def has_act_permission(self, request: HttpRequest) -> bool:
        """Whether the person may change anything at all; each action then keeps to the scope."""
        return is_superuser(request) or bool(scope_in(request).writable_ids)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Of the trash things are only restored."""
        found = super().get_actions(request)
        in_trash = bool(request.GET.get("trash"))
        return {name: one for name, one in found.items() if (name == "restore") == in_trash}

    def get_list_display(self, request: HttpRequest) -> Any:
        """Of the trash: from where, and how long it still lies there."""
        if request.GET.get("trash"):
            return ("thumbnail", "name", "was_in", "days_left", "created_at")
        return self.list_display

    def get_urls(self) -> list[Any]:
        """With the buttons of the form."""
        own = [
            path(
                f"<int:pk>/{name}/",
                self.admin_site.admin_view(self._button(view)),
                name=f"library_item_{name}",
            )
            for name, view in admin_item_form.BUTTONS.items()
        ]
        small = self.admin_site.admin_view(self._button(admin_item_form.thumbnail), cacheable=True)
        own.append(path("<int:pk>/thumbnail/<int:size>/", small, name="library_item_thumbnail"))
        own.append(path("<uuid:public_id>/", self.admin_site.admin_view(self._named), name="library_item_named"))
        return [*own, *super().get_urls()]

    def _named(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        """Lead from the id that other pages know an item by to its form."""
        item = get_object_or_404(self.get_queryset(request), public_id=public_id)
        return redirect("admin:library_item_change", item.pk)

    def _button(self, view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        def pressed(request: HttpRequest, pk: int, **more: int) -> HttpResponseBase:
            return view(self, request, pk, **more)

        return pressed

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The library, or its trash."""
        title = _("Trash") if request.GET.get("trash") else _("Items")
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Items are added by uploading files."""
        return admin_upload.upload(self, request)

    def get_fieldsets(self, request: HttpRequest, obj: Item | None = None) -> Any:
        """What can be said of this kind of item."""
        return admin_item_form.fieldsets_for(obj)

    def get_form(self, request: HttpRequest, obj: Item | None = None, change: bool = False, **kwargs: Any) -> Any:
        """The form knows in whose name it writes."""
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        return admin_item_form.within(form, request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Item | None = None) -> tuple[str, ...]:
        """What is not a matter of opinion."""
        return ("size", "created_by", "created_at", "page")

    def save_model(self, request: HttpRequest, obj: Item, form: Any, change: bool) -> None:
        """All is written already, by the verbs that the form calls."""

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """With the picture and the stages beside the form."""
        known = admin_item_form.beside(self, request, object_id)
        return super().change_view(request, object_id, form_url, (extra_context or {}) | known)

    @admin.display(description=gettext_lazy("Picture"))
    def thumbnail(self, item: Item) -> SafeString | str:
        """A small picture; texts show a sign. The title beside it says what it is."""
        if not item.is_picture or item.width is None:
            return format_html('<span class="thumbnail" aria-hidden="true">{}</span>', "…" if item.is_picture else "¶")
        address = reverse("admin:library_item_thumbnail", args=[item.pk, THUMBNAIL])
        return format_html('<img class="thumbnail" src="{}" alt="" width="64" height="64" loading="lazy">', address)

    @admin.display(description=gettext_lazy("Title"))
    def name(self, item: Item) -> SafeString:
        """The title, and below it what it is and where."""
        address = reverse("admin:library_item_change", args=[item.pk])
        kind = item.get_kind_display()
        where = kind if item.trashed_at else f"{kind} · {item.collection.shown_name}"
        return format_html('<a href="{}">{}</a><span class="where">{}</span>', address, item.title, where)

    @admin.display(description=gettext_lazy("Status"))
    def status(self, item: Item) -> SafeString:
        """The same three words as on the item's page; a failure with its stage."""
        progress = item.progress  # type: ignore[attr-defined]  # by `finished`
        names = [vocabulary.stage_name(kind) for kind, one in progress.stages.items() if one.state == stages.FAILED]
        failed = [_("Failed: %(stage)s") % {"stage": name} for name in names]
        shown = ", ".join(failed) if progress.status == stages.FAILED and failed else SHOWN_STATES[progress.status]
        return format_html('<span class="state {}">{}</span>', progress.status, shown)

    @admin.display(description=gettext_lazy("Was in"))
    def was_in(self, item: Item) -> str:
        """Where it goes when it is restored."""
        return item.trashed_from.shown_name if item.trashed_from else _("Inbox")

    @admin.display(description=gettext_lazy("Deleted in"))
    def days_left(self, item: Item) -> str:
        """How long it still lies in the trash."""
        if item.trashed_at is None:
            return ""
        days = max((item.trashed_at + trash.KEPT - timezone.now()).days, 0)
        return ngettext("%(n)s day", "%(n)s days", days) % {"n": days}

    @admin.display(description=gettext_lazy("Tags"))
    def tags(self, item: Item) -> str:
        """Shown where they can't be changed."""
        return admin_item_form.said_of(item)["tags"]

    @admin.display(description=gettext_lazy("Caption"))
    def caption(self, item: Item) -> str:
        """Shown where it can't be changed."""
        return admin_item_form.said_of(item)["caption"]

    @admin.display(description=gettext_lazy("Text"))
    def text(self, item: Item) -> str:
        """Shown where it can't be changed."""
        return admin_item_form.said_of(item)["text"]

    @admin.display(description=gettext_lazy("Size"))
    def size(self, item: Item) -> str:
        """Pixels and bytes."""
        return admin_item_form.size_of(item)

    @admin.display(description=gettext_lazy("Page"))
    def page(self, item: Item) -> SafeString:
        """Where everybody sees the item."""
        return format_html('<a href="{}">{}</a>', reverse("item", args=[item.public_id]), _("Open its page"))

"""The admin of items: thumbnails, upload, once more through the stages, and the trash."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from searchsite.indexing import stages
from searchsite.jobs.overview import failed_for, open_for
from searchsite.library import trash
from searchsite.library.files import THUMBNAIL
from searchsite.library.models import Item
from searchsite.web import admin_upload
from searchsite.web.admin_scope import Scoped, by_role, is_superuser, scope_in


class StatusFilter(admin.SimpleListFilter):
    """Where an item stands."""

    title = parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The three states an item shows."""
        return [(stages.PROCESSING, "Processing"), (stages.READY, "Ready"), (stages.FAILED, "Failed")]

    def queryset(self, request: HttpRequest, items: QuerySet[Item]) -> QuerySet[Item]:
        """Ask the job table."""
        chosen = self.value()
        return stages.having(items, chosen) if chosen in dict(self.lookup_choices) else items


@admin.register(Item)
class ItemAdmin(Scoped):
    """Items with thumbnails. They come in by upload, change through the item's page, and leave by the trash."""

    list_display = ("thumbnail", "title", "kind", "collection", "status", "created_by", "created_at")
    list_display_links = ("thumbnail", "title")
    list_select_related = ("collection", "created_by")
    list_filter = (
        "kind",
        StatusFilter,
        ("collection", admin.RelatedOnlyFieldListFilter),
        ("created_by", admin.RelatedOnlyFieldListFilter),
        "created_at",
    )
    search_fields = ("title",)
    ordering = ("-created_at", "-id")
    actions = ("reprocess", "move_to_trash")
    rights = by_role(editor=frozenset({"view", "add"}), admin=frozenset({"view", "add"}))
    superuser_rights = frozenset({"view", "add"})
    readonly_fields = fields = (
        "picture",
        "title",
        "kind",
        "collection",
        "stages",
        "source_url",
        "size",
        "created_by",
        "created_at",
        "page",
    )

    def seen_by(self, request: HttpRequest, rows: QuerySet[Item]) -> QuerySet[Item]:
        """Items in collections of the scope."""
        return rows.filter(collection_id__in=scope_in(request).collection_ids)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Item]:
        """Carry the status along, and leave out what only searches need."""
        items: QuerySet[Item] = super().get_queryset(request).defer("title_search")
        return items.annotate(has_open=open_for("id"), has_failed=failed_for("id"))

    def has_act_permission(self, request: HttpRequest) -> bool:
        """Whether the person may change anything at all; each action then keeps to the scope."""
        return is_superuser(request) or bool(scope_in(request).writable_ids)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Items are added by uploading files."""
        return admin_upload.upload(self, request)

    @admin.action(description="Process again", permissions=["act"])
    def reprocess(self, request: HttpRequest, items: QuerySet[Item]) -> None:
        """Decode, read and embed once more."""
        chosen = self._writable(request, items)
        for item in chosen:
            stages.reprocess(item)
        messages.info(request, f"{len(chosen)} items will be processed again.")

    @admin.action(description="Move to the trash", permissions=["act"])
    def move_to_trash(self, request: HttpRequest, items: QuerySet[Item]) -> None:
        """Gone from lists and searches, but not for good."""
        chosen = self._writable(request, items)
        for item in chosen:
            trash.trash(item)
        messages.info(request, f"{len(chosen)} items were moved to the trash.")

    def _writable(self, request: HttpRequest, items: QuerySet[Item]) -> list[Item]:
        """The chosen items that the person may change; says so when that leaves some out."""
        chosen = list(items)
        if is_superuser(request):
            return chosen
        ids = scope_in(request).writable_ids
        writable = [item for item in chosen if item.collection_id in ids]
        if len(writable) < len(chosen):
            messages.warning(request, f"{len(chosen) - len(writable)} items are in collections you may not change.")
        return writable

    @admin.display(description="")
    def thumbnail(self, item: Item) -> SafeString | str:
        """A small picture; texts show a sign."""
        if not item.is_picture:
            return format_html('<span class="thumbnail" aria-hidden="true">{}</span>', "¶")
        address = reverse("thumbnail", args=[item.public_id, THUMBNAIL])
        return format_html('<img class="thumbnail" src="{}" alt="" width="64" height="64" loading="lazy">', address)

    @admin.display(description="Status")
    def status(self, item: Item) -> str:
        """The same three words as on the item's page."""
        if item.has_open:  # type: ignore[attr-defined]
            return stages.PROCESSING
        return stages.FAILED if item.has_failed else stages.READY  # type: ignore[attr-defined]

    @admin.display(description="Picture")
    def picture(self, item: Item) -> SafeString | str:
        """The thumbnail, larger."""
        if not item.is_picture:
            return "none"
        address = reverse("thumbnail", args=[item.public_id, THUMBNAIL])
        return format_html('<img class="preview" src="{}" alt="">', address)

    @admin.display(description="Stages")
    def stages(self, item: Item) -> str:
        """Each stage with its state and what went wrong."""
        shown = stages.status_of([item])[item.pk].stages.items()
        return "; ".join(f"{name}: {one.state} {one.error}".strip() for name, one in shown)

    @admin.display(description="Size")
    def size(self, item: Item) -> str:
        """Pixels and bytes."""
        pixels = f"{item.width} × {item.height}, " if item.width else ""
        return f"{pixels}{item.blob.size:,} bytes, {item.blob.media_type}" if item.blob else "a note"

    @admin.display(description="Page")
    def page(self, item: Item) -> SafeString:
        """Where the item is changed."""
        return format_html('<a href="{}">Open and edit</a>', reverse("item", args=[item.public_id]))

"""The admin of collections with their grants, and of tags."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from searchsite.accounts import audit
from searchsite.accounts.models import Team, User
from searchsite.library import tags, wording
from searchsite.library.models import Collection, CollectionGrant, ItemTag, Purpose, Tag
from searchsite.library.numbers import grouped
from searchsite.library.refusals import Refusal
from searchsite.web.admin_filters import OfTeam
from searchsite.web.admin_members import Rows, RowsInline, choices_of
from searchsite.web.admin_scope import EDIT, Scoped, by_role, is_superuser, membership_in, scope_in

COUNTED = 1000
# How many items each has, as far as it matters; nothing is counted beyond.
IN_COLLECTIONS = """
SELECT id, cardinality(ARRAY(SELECT 1 FROM item WHERE item.collection_id = wanted.id LIMIT %s))
FROM unnest(%s::bigint[]) AS wanted (id)
"""
WITH_TAGS = """
SELECT id, cardinality(ARRAY(SELECT 1 FROM item_tag WHERE item_tag.tag_id = wanted.id LIMIT %s))
FROM unnest(%s::bigint[]) AS wanted (id)
"""
WITH_TAGS_IN = """
SELECT id, cardinality(ARRAY(
    SELECT 1 FROM item_tag JOIN item ON item.id = item_tag.item_id
    WHERE item_tag.tag_id = wanted.id AND item.collection_id = ANY(%s) LIMIT %s
))
FROM unnest(%s::bigint[]) AS wanted (id)
"""


class Counting(Scoped):
    """Lists that say how many items each row has."""

    counting: ClassVar[str]

    def counted(self, request: HttpRequest, ids: list[int]) -> tuple[str, list[Any]]:
        """How the items of these rows are counted."""
        return self.counting, [COUNTED + 1, ids]

    def finished(self, request: HttpRequest, rows: Sequence[Any]) -> Sequence[Any]:
        """Look up the numbers of one page at once."""
        with connection.cursor() as cursor:
            cursor.execute(*self.counted(request, [row.pk for row in rows]))
            known = dict(cursor.fetchall())
        for row in rows:
            row.number = known[row.pk]
        return rows

    def _linked(self, row: Any, query: str) -> SafeString:
        number = row.number
        shown = _("more than %(number)s") % {"number": grouped(COUNTED)} if number > COUNTED else grouped(number)
        return format_html('<a href="{}?{}">{}</a>', reverse("admin:library_item_changelist"), query, shown)


class GrantFormSet(Rows):
    """Looks up once for all rows who may get a grant."""

    def add_fields(self, form: Any, index: int | None) -> None:
        """The same choices for each."""
        super().add_fields(form, index)
        if "user" in form.fields:
            if not hasattr(self, "people"):
                self.people = choices_of(form.fields["user"].queryset.order_by("username"))
            form.fields["user"].choices = self.people

    def save_new(self, form: Any, commit: bool = True) -> Any:
        """Write down who got what."""
        grant = super().save_new(form, commit)
        _write_down(audit.Action.GRANT_GIVEN, grant)
        return grant

    def save_existing(self, form: Any, obj: Any, commit: bool = True) -> Any:
        """Write down what somebody may do from now on."""
        grant = super().save_existing(form, obj, commit)
        _write_down(audit.Action.GRANT_GIVEN, grant)
        return grant

    def delete_existing(self, obj: CollectionGrant, commit: bool = True) -> None:
        """Write down who lost it."""
        _write_down(audit.Action.GRANT_TAKEN, obj)
        super().delete_existing(obj, commit)


def _write_down(action: audit.Action, grant: CollectionGrant) -> None:
    audit.note(action, grant.collection, user=grant.user_id, may_edit=grant.may_edit)


class GrantInline(RowsInline):
    """Who else may see or change the collection."""

    model = CollectionGrant
    formset = GrantFormSet
    related = ("user", "collection")
    verbose_name_plural = gettext_lazy("grants")

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Grants go to members of the team; the list of all users is for superusers."""
        membership = membership_in(request)
        if not is_superuser(request):
            kwargs["queryset"] = User.objects.filter(memberships__team=membership.team_id if membership else None)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def _may(self, request: HttpRequest, obj: Collection | None = None) -> bool:
        return is_superuser(request) or (obj is not None and obj.pk in scope_in(request).writable_ids)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever sees the collection sees its grants."""
        return True

    has_add_permission = has_change_permission = has_delete_permission = _may


class CollectionForm(forms.ModelForm):  # type: ignore[type-arg]
    """Keeps names unique within the team, whatever their case."""

    default_team: Team | None = None

    def clean_name(self) -> str:
        """Return the name as it is stored."""
        name = wording.clean_line(self.cleaned_data["name"], limit=100)
        if not name:
            raise ValidationError(_("A collection needs a name."))
        return name

    def clean(self) -> dict[str, Any]:
        """Refuse a name that the team has."""
        data = super().clean() or {}
        if self.instance.team_id is None and "team" not in self.fields:
            self.instance.team = self.default_team
        # A superuser who named no team is told so by the field.
        team_id = data["team"].pk if data.get("team") else self.instance.team_id
        same = Collection.objects.filter(team=team_id, name__iexact=data.get("name", ""))
        if any(one.pk != self.instance.pk for one in same):
            raise ValidationError(_("The team already has a collection of this name."))
        return data


@admin.register(Collection)
class CollectionAdmin(Counting):
    """Collections with their grants."""

    counting = IN_COLLECTIONS
    list_display = ("shown_name", "items", "team", "visibility", "purpose", "created_by", "created_at")
    list_select_related = ("team", "created_by")
    list_filter = ("visibility", "purpose", OfTeam)
    ordering = ("name", "id")
    search_fields = ("name",)
    form = CollectionForm
    inlines = (GrantInline,)
    rights = by_role(editor=frozenset({"view", "add", "change"}), admin=EDIT)

    def seen_by(self, request: HttpRequest, rows: QuerySet[Collection]) -> QuerySet[Collection]:
        """Collections of the scope."""
        return rows.filter(id__in=scope_in(request).collection_ids)

    @admin.display(description=gettext_lazy("name"), ordering="name")
    def shown_name(self, row: Collection) -> str:
        """In the language of the page, where the house itself gave it."""
        return row.shown_name

    @admin.display(description=gettext_lazy("Items"))
    def items(self, row: Collection) -> SafeString:
        """How many, and the way to them."""
        return self._linked(row, "trash=1" if row.purpose == Purpose.TRASH else f"in={row.pk}")

    def get_fields(self, request: HttpRequest, obj: Collection | None = None) -> tuple[str, ...]:
        """The team is fixed once there is a collection."""
        team = ("team",) if is_superuser(request) else ()
        if obj is None:
            return (*team, "name", "visibility")
        name = "name" if obj.purpose == Purpose.NORMAL else "shown_name"
        return (*team, name, "visibility", "purpose", "created_by")

    def get_readonly_fields(self, request: HttpRequest, obj: Collection | None = None) -> tuple[str, ...]:
        """Inbox and trash keep their names."""
        if obj is None:
            return ()
        fixed = ("team", "purpose", "created_by")
        return fixed if obj.purpose == Purpose.NORMAL else (*fixed, "shown_name", "visibility")

    def has_change_permission(self, request: HttpRequest, obj: Collection | None = None) -> bool:
        """Only in what the scope may change."""
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or is_superuser(request) or obj.pk in scope_in(request).writable_ids)

    def has_delete_permission(self, request: HttpRequest, obj: Collection | None = None) -> bool:
        """Inbox and trash stay; of the others, those without items may go."""
        allowed = super().has_delete_permission(request, obj)
        return allowed and (obj is None or (obj.purpose == Purpose.NORMAL and not obj.items.exists()))

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """A new collection belongs to the team that the person works in, unless a superuser says otherwise."""
        form = super().get_form(request, obj, change=change, **kwargs)
        membership = membership_in(request)
        return type("TeamCollectionForm", (form,), {"default_team": membership.team if membership else None})

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Collections are deleted one by one, so that each is looked at."""
        return {name: action for name, action in super().get_actions(request).items() if name != "delete_selected"}

    def save_model(self, request: HttpRequest, obj: Collection, form: Any, change: bool) -> None:
        """Write down who made it."""
        if not change:
            obj.created_by = User.objects.get(username=request.user.get_username())
        super().save_model(request, obj, form, change)
        if "visibility" in form.changed_data or not change:
            audit.note(audit.Action.VISIBILITY_SET, obj, visibility=obj.visibility)

    def delete_model(self, request: HttpRequest, obj: Collection) -> None:
        """Its grants go with it."""
        audit.note(audit.Action.COLLECTION_DELETED, obj)
        super().delete_model(request, obj)


class TagForm(forms.ModelForm):  # type: ignore[type-arg]
    """Stores tags in their normal form."""

    def clean_name(self) -> str:
        """Return the normal form; refuse one that the team has."""
        name = wording.normalise_tag(self.cleaned_data["name"])
        if not name:
            raise ValidationError(_("Nothing is left of this tag."))
        if Tag.objects.filter(team=self.instance.team_id, name=name).exclude(pk=self.instance.pk).exists():
            raise ValidationError(_("There already is a tag “%(name)s”.") % {"name": name})
        return name


@admin.register(Tag)
class TagAdmin(Counting):
    """Tags of the team."""

    counting = WITH_TAGS
    list_display = ("name", "items", "team")
    list_select_related = ("team",)
    list_filter = (OfTeam,)
    ordering = ("name", "id")
    search_fields = ("name",)
    form = TagForm
    rights = by_role(editor=frozenset({"view", "change", "delete"}), admin=frozenset({"view", "change", "delete"}))
    superuser_rights = frozenset({"view", "change", "delete"})
    readonly_fields = ("team",)

    def seen_by(self, request: HttpRequest, rows: QuerySet[Tag]) -> QuerySet[Tag]:
        """Tags of the team, without those that are only on items that the person may not see."""
        membership = membership_in(request)
        if membership is None:
            return rows.none()
        tagged = ItemTag.objects.filter(tag=OuterRef("pk"))
        seen = tagged.filter(item__collection__in=scope_in(request).collection_ids)
        return rows.filter(Exists(seen) | ~Exists(tagged), team=membership.team_id)

    def counted(self, request: HttpRequest, ids: list[int]) -> tuple[str, list[Any]]:
        """Of staff, only items that they see."""
        if is_superuser(request):
            return super().counted(request, ids)
        return WITH_TAGS_IN, [list(scope_in(request).collection_ids), COUNTED + 1, ids]

    @admin.display(description=gettext_lazy("Items"))
    def items(self, row: Tag) -> SafeString:
        """How many, and the way to them."""
        return self._linked(row, f"tag={row.pk}")

    def change_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Say so when another took the name in the meantime."""
        try:
            return super().change_view(request, *args, **kwargs)
        except Refusal as refusal:
            messages.error(request, str(refusal))
            return HttpResponseRedirect(request.path)

    def save_model(self, request: HttpRequest, obj: Tag, form: Any, change: bool) -> None:
        """Rename it on its items, too."""
        tags.rename_tag(obj, form.cleaned_data["name"])

    def delete_model(self, request: HttpRequest, obj: Tag) -> None:
        """Take it off its items, too."""
        tags.delete_tag(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Tag]) -> None:
        """Take each off its items."""
        for tag in queryset.order_by("pk"):
            tags.delete_tag(tag)

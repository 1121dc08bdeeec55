"""What people gave us. An item is in exactly one collection; rights and the indexes rely on it."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower, Now, Upper
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from searchsite.accounts.models import Team
from searchsite.library.choices import SYSTEM_NAMES
from searchsite.library.choices import Author as Author
from searchsite.library.choices import Channel as Channel
from searchsite.library.choices import Kind as Kind
from searchsite.library.choices import KindSetBy as KindSetBy
from searchsite.library.choices import PartRole as PartRole
from searchsite.library.choices import Purpose as Purpose
from searchsite.library.choices import Source as Source
from searchsite.library.choices import Visibility as Visibility
from searchsite.library.copies import KeptApart as KeptApart
from searchsite.library.copies import Likeness as Likeness
from searchsite.library.copies import Look as Look
from searchsite.library.partials import Upload as Upload

if TYPE_CHECKING:
    from searchsite.library.scope import Scope

# Our own text search configuration: unaccent() is not immutable, but a dictionary inside a configuration may be used.
TEXT_CONFIG = "searchsite"
PASSAGE_CHARS = 2000


def named(name: str, purpose: str) -> str:
    """How people read the name of a collection of this purpose."""
    given = SYSTEM_NAMES.get(purpose, "")
    return gettext(given) + name.removeprefix(given) if given and name.startswith(given) else name


class Collection(models.Model):
    """A named place for items, with its own rights."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="collections", verbose_name=_("team"))
    name = models.CharField(_("name"), max_length=100)
    visibility = models.CharField(_("visibility"), max_length=10, choices=Visibility.choices, default=Visibility.TEAM)
    purpose = models.CharField(_("purpose"), max_length=10, choices=Purpose.choices, default=Purpose.NORMAL)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("created by"),
    )
    created_at = models.DateTimeField(_("created at"), db_default=Now())

    class Meta:
        db_table = "collection"
        verbose_name = _("collection")
        verbose_name_plural = _("collections")
        constraints = [
            models.UniqueConstraint(Lower("name"), "team", name="collection_name_once"),
            models.UniqueConstraint(
                fields=["team", "purpose"], condition=~Q(purpose="normal"), name="collection_purpose_once"
            ),
        ]

    def __str__(self) -> str:
        return self.shown_name

    @property
    def shown_name(self) -> str:
        """Its name for people: the two that the house itself gives are said in the language of the page."""
        return named(self.name, self.purpose)


class CollectionGrant(models.Model):
    """Gives one person rights in one collection beyond what its visibility gives."""

    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="grants")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", verbose_name=_("user")
    )
    may_edit = models.BooleanField(_("may edit"), default=False)

    class Meta:
        db_table = "collection_grant"
        verbose_name = _("grant")
        verbose_name_plural = _("grants")
        constraints = [models.UniqueConstraint(fields=["collection", "user"], name="grant_once")]

    def __str__(self) -> str:
        return gettext("%(user)s in %(collection)s") % {"user": self.user, "collection": self.collection}


class Blob(models.Model):
    """The bytes of one file of one team; the file lies at `path` under MEDIA_ROOT."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    sha256 = models.CharField(max_length=64)
    path = models.CharField(max_length=200)
    size = models.BigIntegerField()
    media_type = models.CharField(max_length=100)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "blob"
        verbose_name = _("file")
        verbose_name_plural = _("files")
        constraints = [models.UniqueConstraint(fields=["sha256", "team"], name="blob_once")]  # bytes are sought first

    def __str__(self) -> str:
        return self.sha256[:12]


class ItemQuerySet(models.QuerySet["Item"]):
    """Questions about items."""

    def visible_to(self, scope: Scope) -> ItemQuerySet:
        """Items in collections that the scope may read."""
        return self.filter(collection_id__in=scope.collection_ids)


class Item(models.Model):
    """One thing a person put in. `(id, collection, kind)` is unique so that vector rows can copy and follow them."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    collection = models.ForeignKey(
        Collection, on_delete=models.PROTECT, related_name="items", verbose_name=_("collection")
    )
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, null=True, blank=True, related_name="items")
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices)
    kind_set_by = models.CharField(max_length=10, choices=KindSetBy.choices, default=KindSetBy.RULE)
    title = models.CharField(_("title"), max_length=255)
    title_search = models.GeneratedField(
        expression=SearchVector("title", config=TEXT_CONFIG), output_field=SearchVectorField(), db_persist=True
    )
    depicts = models.CharField(max_length=12, blank=True, default="", db_default="")  # what a captioner takes it for
    source_url = models.URLField(max_length=2000, blank=True)
    width = models.IntegerField(null=True, blank=True)
    height = models.IntegerField(null=True, blank=True)
    placeholder = models.TextField(blank=True, help_text="Tiny inline picture, shown while the real one loads")
    trashed_at = models.DateTimeField(null=True, blank=True)
    trashed_from = models.ForeignKey(Collection, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("created by"),
    )
    created_at = models.DateTimeField(_("created at"), db_default=Now())

    objects: ClassVar[models.Manager[Item]] = ItemQuerySet.as_manager()

    class Meta:
        db_table = "item"
        verbose_name = _("item")
        verbose_name_plural = _("items")
        constraints = [
            models.UniqueConstraint(fields=["id", "collection", "kind"], name="item_place"),
            # Notes have no blob and are never merged. The trash may hold the same bytes from several collections.
            models.UniqueConstraint(
                fields=["collection", "blob"], condition=Q(trashed_at=None), name="item_bytes_once"
            ),
        ]
        indexes = [
            models.Index(fields=["collection", "-created_at", "-id"], name="item_newest"),
            # Of all teams: for who leads the house. And what lies in the trash, which is little.
            models.Index(fields=["-created_at", "-id"], condition=Q(trashed_at=None), name="item_newest_of_all"),
            models.Index(fields=["trashed_at"], condition=Q(trashed_at__isnull=False), name="item_trashed"),
            GinIndex(fields=["title_search"], name="item_title_words"),
            GinIndex(OpClass(Upper("title"), name="gin_trgm_ops"), name="item_title_trigrams"),
            # What titles begin with: for suggestions, in each collection by itself.
            models.Index("collection", OpClass(Upper("title"), name="text_pattern_ops"), name="item_title_beginnings"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_picture(self) -> bool:
        """True for photos and screenshots."""
        return self.kind != Kind.TEXT


class Part(models.Model):
    """What is searched: the picture itself, or at most PASSAGE_CHARS characters of text.

    One without text that a person set says that the picture has no such text, whatever a network sees in it.
    """

    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="parts")
    channel = models.CharField(max_length=5, choices=Channel.choices)
    role = models.CharField(max_length=8, choices=PartRole.choices)
    ordinal = models.IntegerField(default=0)
    text = models.TextField(blank=True)
    language = models.CharField(max_length=10, blank=True)
    set_by = models.CharField(max_length=9, choices=Author.choices, blank=True, default="", db_default="")
    network = models.CharField(max_length=200, blank=True, default="", db_default="")
    locator = models.JSONField(default=dict, blank=True, help_text="Where in the item: offsets, or boxes of words")
    search = models.GeneratedField(
        expression=SearchVector("text", config=TEXT_CONFIG), output_field=SearchVectorField(), db_persist=True
    )

    class Meta:
        db_table = "part"
        verbose_name = _("part")
        verbose_name_plural = _("parts")
        ordering = ["item_id", "role", "ordinal"]
        constraints = [models.UniqueConstraint(fields=["item", "role", "ordinal"], name="part_once")]
        indexes = [
            GinIndex(fields=["search"], name="part_words"),
            GinIndex(OpClass(Upper("text"), name="gin_trgm_ops"), name="part_trigrams"),
        ]

    def __str__(self) -> str:
        return f"{self.role} {self.ordinal} of {self.item_id}"


class Tag(models.Model):
    """A word that groups items across collections; `name` is normalised (NFC, case folded, single spaces)."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="tags", verbose_name=_("team"))
    name = models.CharField(_("name"), max_length=100)

    class Meta:
        db_table = "tag"
        verbose_name = _("tag")
        verbose_name_plural = _("tags")
        constraints = [models.UniqueConstraint(fields=["team", "name"], name="tag_once")]

    def __str__(self) -> str:
        return self.name


class ItemTag(models.Model):
    """A tag on an item, and who put it there."""

    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="item_tags")
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="item_tags")
    source = models.CharField(max_length=8, choices=Source.choices)

    class Meta:
        db_table = "item_tag"
        verbose_name = _("tag of an item")
        verbose_name_plural = _("tags of items")
        constraints = [models.UniqueConstraint(fields=["item", "tag"], name="item_tag_once")]

    def __str__(self) -> str:
        return f"{self.tag} on {self.item_id}"


class DeclinedTag(models.Model):
    """A tag that a person took off an item: no machine puts it there again. By name, as it outlives the tag."""

    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="declined_tags")
    name = models.CharField(max_length=100)

    class Meta:
        db_table = "declined_tag"
        verbose_name = _("declined tag")
        verbose_name_plural = _("declined tags")
        constraints = [models.UniqueConstraint(fields=["item", "name"], name="declined_tag_once")]

    def __str__(self) -> str:
        return f"{self.name} not on {self.item_id}"


class QueryPicture(models.Model):
    """A picture somebody searches by, kept for a while so that the search has a stable address."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="query_pictures")
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(default=None, null=True)

    class Meta:
        db_table = "query_picture"
        verbose_name = _("picture of a question")
        verbose_name_plural = _("pictures of questions")
        constraints = [models.UniqueConstraint(fields=["owner", "team", "blob"], name="query_picture_once")]
        indexes = [models.Index(F("expires_at"), name="query_picture_expiry")]

    def __str__(self) -> str:
        return str(self.public_id)

"""Spaces: coordinate systems for vectors. Vectors of two spaces are never compared."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

IDENTITY = (
    "adapter",
    "embedder",
    "revision",
    "dimensions",
    "document_instruction",
    "template_version",
    "pixel_policy",
)


class SpaceStatus(models.TextChoices):
    """A space is built beside the one that answers, then answers, then is kept for a while, then dropped."""

    BUILDING = "building", _("Building")
    ACTIVE = "active", _("Active")
    RETIRED = "retired", _("Retired")
    DROPPED = "dropped", _("Being dropped")


class Space(models.Model):
    """One coordinate system. Its vectors lie in a table of its own, `embedding_<id>`."""

    adapter = models.CharField(_("dialect"), max_length=40, help_text=_("The dialect that its embedder speaks"))
    url = models.CharField(
        _("address"),
        max_length=500,
        blank=True,
        help_text=_("Where its embedder answers; empty: the embedded inference server"),
    )
    embedder = models.CharField(_("embedder"), max_length=200)
    revision = models.CharField(_("revision"), max_length=100, blank=True)
    dimensions = models.IntegerField(_("dimensions"))
    most_dimensions = models.IntegerField(
        _("most dimensions"),
        null=True,
        blank=True,
        help_text=_("The setting it was made with; its embedder may give fewer"),
    )
    mrl = models.BooleanField(
        _("prefixes are vectors"), default=False, help_text=_("May a prefix of a vector be used as a vector?")
    )
    prefix_dims = models.IntegerField(_("dimensions of the prefix"), null=True, blank=True)
    takes_pictures = models.BooleanField(_("takes pictures"), default=True)
    document_instruction = models.CharField(_("instruction for documents"), max_length=300, blank=True)
    instructions = models.JSONField(
        _("instructions"), default=dict, blank=True, help_text=_("For questions, by what they look for")
    )
    template_version = models.CharField(_("version of the template"), max_length=40, blank=True)
    pixel_policy = models.CharField(_("size of pictures"), max_length=100, blank=True)
    status = models.CharField(_("status"), max_length=10, choices=SpaceStatus.choices, default=SpaceStatus.BUILDING)
    means = models.JSONField(default=dict, blank=True, help_text="By channel: the mean that codes are centred on")
    code_version = models.IntegerField(_("version of the codes"), default=0)
    calibration = models.JSONField(_("calibration"), default=dict, blank=True)
    graphs = models.JSONField(
        _("graphs"),
        default=dict,
        db_default={},
        blank=True,
        help_text="By channel: whether its index of neighbours may be asked",
    )
    recall = models.JSONField(
        _("recall"),
        default=dict,
        db_default={},
        blank=True,
        help_text="By channel: what was measured, and the depth that keeps it",
    )
    notes = models.JSONField(
        _("notes"), default=list, blank=True, help_text=_("What the embedder honestly says of itself")
    )
    fingerprint = models.JSONField(
        _("fingerprint"),
        default=dict,
        blank=True,
        help_text=_("Vectors of a fixed sentence and picture: tells other weights of one name"),
    )
    created_at = models.DateTimeField(_("created at"), db_default=Now())
    activated_at = models.DateTimeField(_("activated at"), null=True, blank=True)
    retired_at = models.DateTimeField(_("retired at"), null=True, blank=True)

    class Meta:
        db_table = "space"
        verbose_name = _("space")
        verbose_name_plural = _("spaces")
        constraints = [
            models.UniqueConstraint(fields=["status"], condition=Q(status="active"), name="space_active_once"),
            models.UniqueConstraint(fields=IDENTITY, name="space_once"),
        ]

    def __str__(self) -> str:
        return f"{self.embedder} ({self.dimensions})"


class ProviderPause(models.Model):
    """A provider that fails, or asked to be left alone: every process of the house keeps away from it until then."""

    provider = models.CharField(max_length=300, primary_key=True, help_text="Host and port")
    failures = models.IntegerField(default=0, help_text="In a row")
    until = models.DateTimeField()
    since = models.DateTimeField()
    kind = models.CharField(max_length=10, default="down", help_text="down, busy, or key")
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        db_table = "provider_pause"
        verbose_name = _("pause of a provider")
        verbose_name_plural = _("pauses of providers")

    def __str__(self) -> str:
        return f"{self.provider}: {self.reason}"

"""Spaces: coordinate systems for vectors. Vectors of two spaces are never compared."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

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

    BUILDING = "building", "Building"
    ACTIVE = "active", "Active"
    RETIRED = "retired", "Retired"
    DROPPED = "dropped", "Being dropped"


class Space(models.Model):
    """One coordinate system. Its vectors lie in a table of its own, `embedding_<id>`."""

    adapter = models.CharField(max_length=40, help_text="The dialect that its embedder speaks")
    url = models.CharField(
        max_length=500, blank=True, help_text="Where its embedder answers; empty: the embedded inference server"
    )
    embedder = models.CharField(max_length=200)
    revision = models.CharField(max_length=100, blank=True)
    dimensions = models.IntegerField()
    most_dimensions = models.IntegerField(
        null=True, blank=True, help_text="The setting it was made with; its embedder may give fewer"
    )
    mrl = models.BooleanField(default=False, help_text="May a prefix of a vector be used as a vector?")
    prefix_dims = models.IntegerField(null=True, blank=True)
    takes_pictures = models.BooleanField(default=True)
    document_instruction = models.CharField(max_length=300, blank=True)
    instructions = models.JSONField(default=dict, blank=True, help_text="For questions, by what they look for")
    template_version = models.CharField(max_length=40, blank=True)
    pixel_policy = models.CharField(max_length=100, blank=True)
    status = models.CharField(max_length=10, choices=SpaceStatus.choices, default=SpaceStatus.BUILDING)
    means = models.JSONField(default=dict, blank=True, help_text="By channel: the mean that codes are centred on")
    code_version = models.IntegerField(default=0)
    calibration = models.JSONField(default=dict, blank=True)
    notes = models.JSONField(default=list, blank=True, help_text="What the embedder honestly says of itself")
    fingerprint = models.JSONField(
        default=dict, blank=True, help_text="Vectors of a fixed sentence and picture: tells other weights of one name"
    )
    created_at = models.DateTimeField(db_default=Now())
    activated_at = models.DateTimeField(null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "space"
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

    def __str__(self) -> str:
        return f"{self.provider}: {self.reason}"

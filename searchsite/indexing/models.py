"""Spaces: coordinate systems for vectors. Vectors of two spaces are never compared."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class SpaceStatus(models.TextChoices):
    """A space is built up, then answers, then is retired."""

    BUILDING = "building", "Building"
    ACTIVE = "active", "Active"
    RETIRED = "retired", "Retired"


class Space(models.Model):
    """One coordinate system. Its vectors lie in a table of its own, `embedding_<id>`."""

    adapter = models.CharField(max_length=40)
    embedder = models.CharField(max_length=200)
    revision = models.CharField(max_length=100, blank=True)
    dimensions = models.IntegerField()
    mrl = models.BooleanField(default=False, help_text="May a prefix of a vector be used as a vector?")
    prefix_dims = models.IntegerField(null=True, blank=True)
    takes_pictures = models.BooleanField(default=True)
    instructions = models.JSONField(default=dict, blank=True)
    template_version = models.CharField(max_length=40, blank=True)
    pixel_policy = models.CharField(max_length=100, blank=True)
    status = models.CharField(max_length=10, choices=SpaceStatus.choices, default=SpaceStatus.BUILDING)
    means = models.JSONField(default=dict, blank=True, help_text="By channel: the mean that codes are centred on")
    code_version = models.IntegerField(default=0)
    calibration = models.JSONField(default=dict, blank=True)
    notes = models.JSONField(default=list, blank=True, help_text="What the embedder honestly says of itself")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "space"
        constraints = [
            models.UniqueConstraint(fields=["status"], condition=Q(status="active"), name="space_active_once"),
            models.UniqueConstraint(fields=["adapter", "embedder", "revision", "dimensions"], name="space_once"),
        ]

    def __str__(self) -> str:
        return f"{self.embedder} ({self.dimensions})"

"""The tables of what looks alike: each picture's look, the pairs that are near, and those that a person keeps apart."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from searchsite.accounts.models import Team


class Look(models.Model):
    """How a file looks. `bands` is its perceptual hash as the index is asked for it; empty where nothing is to be seen.

    It belongs to the bytes: copies of them in several collections have one.
    """

    blob = models.OneToOneField("library.Blob", on_delete=models.CASCADE, primary_key=True, related_name="look")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+", db_index=False)
    bands = ArrayField(models.IntegerField(), default=list)
    grey = models.BinaryField()
    colour = models.BinaryField()
    ratio = models.FloatField()
    compared = models.BooleanField(default=False, db_default=False)

    class Meta:
        db_table = "picture_look"
        verbose_name = _("look of a picture")
        verbose_name_plural = _("looks of pictures")
        indexes = [
            GinIndex(fields=["bands"], name="picture_look_bands", fastupdate=False),
            models.Index(fields=["blob"], condition=Q(compared=False), name="picture_look_new"),
        ]

    def __str__(self) -> str:
        return f"look of {self.blob_id}"


class Likeness(models.Model):
    """Two files that look alike; the first has the smaller id. `sure`: the one is the other in another size or quality.

    Else edges may have been cut off, and vectors are asked.
    """

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    one = models.ForeignKey("library.Blob", on_delete=models.CASCADE, related_name="+", db_index=False)
    other = models.ForeignKey("library.Blob", on_delete=models.CASCADE, related_name="+")
    sure = models.BooleanField()

    class Meta:
        db_table = "likeness"
        verbose_name = _("likeness")
        verbose_name_plural = _("likenesses")
        constraints = [
            models.UniqueConstraint(fields=["one", "other"], name="likeness_once"),
            models.CheckConstraint(condition=Q(one__lt=F("other")), name="likeness_order"),
        ]

    def __str__(self) -> str:
        return f"{self.one_id} and {self.other_id}"


class KeptApart(models.Model):
    """Two items of which a person said that they are different; the first has the smaller id."""

    one = models.ForeignKey("library.Item", on_delete=models.CASCADE, related_name="+", db_index=False)
    other = models.ForeignKey("library.Item", on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "kept_apart"
        verbose_name = _("pair kept apart")
        verbose_name_plural = _("pairs kept apart")
        constraints = [
            models.UniqueConstraint(fields=["one", "other"], name="kept_apart_once"),
            models.CheckConstraint(condition=Q(one__lt=F("other")), name="kept_apart_order"),
        ]

    def __str__(self) -> str:
        return f"{self.one_id} and {self.other_id}"

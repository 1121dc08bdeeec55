"""The table of uploads that are on their way."""

from __future__ import annotations

import uuid
from pathlib import PurePosixPath

from django.conf import settings
from django.db import models
from django.db.models import F
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from searchsite.accounts.models import Team

FOLDER = "partial"


class Upload(models.Model):
    """A file that arrives in pieces. `offset` counts only bytes that are durable in the file at `path`.

    It outlives its end for a while, so that whoever lost the last answer can ask for it again.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    collection = models.ForeignKey("library.Collection", on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=255)
    size = models.BigIntegerField()
    offset = models.BigIntegerField(default=0)
    item = models.ForeignKey("library.Item", on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    known = models.BooleanField(default=False, help_text="The item was there before")
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()

    class Meta:
        db_table = "upload"
        verbose_name = _("upload")
        verbose_name_plural = _("uploads")
        indexes = [models.Index(F("expires_at"), name="upload_expiry")]

    def __str__(self) -> str:
        return self.name

    @property
    def path(self) -> PurePosixPath:
        """Where the bytes lie under MEDIA_ROOT until they are an item's."""
        return PurePosixPath(FOLDER, self.public_id.hex)

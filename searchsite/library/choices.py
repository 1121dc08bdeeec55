"""What may stand in the columns of the library: its kinds, purposes, channels, roles and sources."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import models
from django.utils.translation import gettext_lazy as _


class Visibility(models.TextChoices):
    """Who sees a collection besides its maker and those it was granted to."""

    PRIVATE = "private", _("Private")
    TEAM = "team", _("Team")
    PUBLIC = "public", _("Public link")


class Purpose(models.TextChoices):
    """What a collection is for; each team has one inbox and one trash."""

    NORMAL = "normal", _("Collection")
    INBOX = "inbox", _("Inbox")
    TRASH = "trash", _("Trash")


# As they are stored; pages say them in their own language.
SYSTEM_NAMES: Mapping[str, str] = {Purpose.INBOX: "Inbox", Purpose.TRASH: "Trash"}


class Kind(models.TextChoices):
    """What an item is."""

    IMAGE = "image", _("Image")
    SCREENSHOT = "screenshot", _("Screenshot")
    TEXT = "text", _("Text")


class KindSetBy(models.TextChoices):
    """Who said so. A person's choice outlives re-processing."""

    RULE = "rule", _("Rule")
    PERSON = "person", _("Person")


class Channel(models.TextChoices):
    """Vectors of pictures and of texts lie apart, so each channel is ranked on its own."""

    IMAGE = "image", _("Image")
    TEXT = "text", _("Text")


class PartRole(models.TextChoices):
    """What a part says of its item."""

    CONTENT = "content", _("Content")
    CAPTION = "caption", _("Caption")
    OCR = "ocr", _("Text in the picture")
    TAGS = "tags", _("Tags")


class Author(models.TextChoices):
    """Who wrote a part of a picture. What a person wrote stays whatever a network says later."""

    PERSON = "person", _("Person")
    CAPTIONER = "captioner", _("Captioner")
    READER = "reader", _("Reader")


class Source(models.TextChoices):
    """Who put a tag on an item."""

    MACHINE = "machine", _("Machine")
    PERSON = "person", _("Person")

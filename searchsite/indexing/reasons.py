"""Why a stage failed, in the language of whoever asks: reasons are kept as they came, in English."""

from __future__ import annotations

import re

from django.utils.translation import gettext, gettext_noop

from searchsite.indexing.caption import NOT_CONFIGURED
from searchsite.indexing.inputs import NO_FILE
from searchsite.jobs.queue import WORKER_DIED
from searchsite.jobs.refusing import REFUSED_ALONE

# What the decoder and the networks' clients say, in which nothing of Django is loaded.
KNOWN = (
    gettext_noop("This is not a picture that can be read."),
    gettext_noop("This picture ends before it is complete."),
    gettext_noop("This picture has too many pixels."),
    gettext_noop("This picture holds numbers that are no brightness."),
    gettext_noop("This picture is damaged and cannot be read."),
    gettext_noop("This picture makes the decoder crash."),
    gettext_noop("This picture makes the decoder fail."),
    gettext_noop("This picture needs more memory than one file may use."),
    gettext_noop("This picture takes too long to decode."),
    gettext_noop("The colours of this picture are stored in a way that is not supported."),
    gettext_noop("The provider asks to be left alone for a while."),
    gettext_noop("The provider can't be reached."),
    gettext_noop("The provider refuses the key, or it is not paid for."),
    gettext_noop("The captioner would not describe this picture."),
    gettext_noop("The captioner repeated itself without end."),
    gettext_noop("The captioner gave no description."),
    gettext_noop("The captioner's answer was not what it was asked for, twice."),
    gettext_noop("The decoder is busy."),
    gettext_noop("The decoder died."),
    "The file is missing.",
    "The database was away.",
    "There was not enough memory.",
    NO_FILE,
    NOT_CONFIGURED,
    REFUSED_ALONE,
    WORKER_DIED,
)
OURS = re.compile(r"(?:Unexpected error|The database refused what came of it) \(\w+\)\.")


def translated(reason: str) -> str:
    """The reason in the language of the request, where it is one of ours."""
    return gettext(reason) if reason else ""


def is_ours(reason: str) -> bool:
    """Whether a reason is a sentence of this house, which names no item and quotes nothing that stands in one."""
    return not reason or reason in KNOWN or OURS.fullmatch(reason) is not None

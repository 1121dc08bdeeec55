"""Why a stage failed, in the language of whoever asks: reasons are kept as they came, in English."""

from __future__ import annotations

from django.utils.translation import gettext, gettext_noop

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
)


def translated(reason: str) -> str:
    """The reason in the language of the request, where it is one of ours."""
    return gettext(reason) if reason else ""

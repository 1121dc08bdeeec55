"""How many large files are sent at a time: each holds a thread of the server for as long as its client takes."""

from __future__ import annotations

import threading
import weakref
from collections import Counter

from django.conf import settings
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from searchsite.library.refusals import Refusal

LARGE = 256 << 10
"""The server takes what is smaller off our hands at once."""
NOBODY = 0
OF_ONE_PERSON = 6
"""As many connections as a browser opens to one server."""


class TooMany(Refusal):
    """So many files are on their way that no other can be begun."""

    retry_after = 5


def counted(response: HttpResponseBase, person: int) -> HttpResponseBase:
    """The same answer, with a place for it where it is large; closed or forgotten, it frees that. Raises TooMany.

    person: NOBODY, where nobody is known, and only all are counted.
    """
    if not response.streaming or int(response.headers.get("Content-Length", 0)) <= LARGE:
        return response
    try:
        _begin(person)
    except TooMany:
        response.close()
        raise
    end, free = response.close, weakref.finalize(response, _end, person)

    def close() -> None:
        try:
            end()
        finally:
            free()

    response.close = close  # type: ignore[method-assign]
    return response


def _begin(person: int) -> None:
    with _lock:
        if person != NOBODY and _sent[person] >= OF_ONE_PERSON:
            message = _("Your other downloads are still on their way. Wait until one is there.")
            raise TooMany(message, code="downloads", status=429)
        if _sent.total() >= settings.CONFIG.download_streams:
            message = _("As many downloads as this server sends at a time are on their way. Try again in a moment.")
            raise TooMany(message, code="downloads", status=503)
        _sent[person] += 1


def _end(person: int) -> None:
    with _lock:
        _sent[person] -= 1


_sent: Counter[int] = Counter()
_lock = threading.Lock()

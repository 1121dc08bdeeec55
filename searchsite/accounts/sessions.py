"""How long a session lasts: a while after its last use, and never longer than some days after the sign-in."""

from __future__ import annotations

import time
from importlib import import_module

from django.conf import settings
from django.contrib.auth import SESSION_KEY, get_user, logout
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.models import Session
from django.db import transaction
from django.http import HttpRequest

BEGAN, SEEN = "began", "seen"
# A session that is in use is written at most so often.
SEEN_EVERY = 300


def begin(request: HttpRequest) -> None:
    """Note when somebody signed in."""
    request.session[BEGAN] = request.session[SEEN] = int(time.time())


def lasts(session_key: str) -> bool:
    """Whether whoever this session was begun for is still signed in by it: asked anew, in two statements."""
    again = HttpRequest()
    again.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    return get_user(again).is_authenticated


def tend(request: HttpRequest) -> None:
    """End the request's session if its time is over; else note now and then that it is in use."""
    session = request.session
    if SESSION_KEY not in session:
        return
    now = int(time.time())
    began, seen = session.get(BEGAN), session.get(SEEN)
    if began is None or seen is None:
        # From before sessions knew it.
        begin(request)
    elif now - began > settings.SESSION_COOKIE_AGE or now - seen > settings.SESSION_IDLE_SECONDS:
        logout(request)
    elif now - seen > SEEN_EVERY:
        _see(session, now)


@transaction.atomic
def _see(session: SessionBase, now: int) -> None:
    """Note it in what is stored by now, not in what was loaded: another request may have changed that, or ended it."""
    row = Session.objects.select_for_update(skip_locked=True).filter(pk=session.session_key).first()
    stored = session.decode(row.session_data) if row else {}
    if row and SESSION_KEY in stored:
        row.session_data = session.encode(stored | {SEEN: now})
        row.save(update_fields=["session_data"])

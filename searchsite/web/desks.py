"""How many requests are worked on at a time. The server has more threads than that: some wait for a desk, some for a
slow client, and some are always free to say that there is no room, or that all is well.

A desk has one connection to the database, which goes from thread to thread: so there are never more than desks, and
a few for what is asked while answers are sent.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from searchsite.limits import WAITING
from searchsite.web import media_types
from searchsite.web.incoming import BUSY, Incoming

Environ = dict[str, Any]
Start = Callable[..., Any]
Application = Callable[[Environ, Start], Iterable[bytes]]
# Asked by whoever watches over the site: they wait for nothing.
HEALTH = {"/livez", "/readyz"}
PATIENCE_SECONDS = 2.0
"""How long a request waits for a desk; then, or where many wait, it is sent away until later."""
LOOKS = 4
"""How many streams, beside those of answers being written, make their next piece at a time."""


class Places:
    """So many at a time, each with a connection that is left to whoever comes next."""

    def __init__(self, most: int) -> None:
        self._free = threading.BoundedSemaphore(most)
        self._connections: list[BaseDatabaseWrapper] = []

    def take(self, seconds: float | None = None) -> bool:
        """Take a place for this thread, after some waiting; None: however long. False: there is none."""
        if not self._free.acquire(timeout=seconds):
            return False
        try:
            connections[DEFAULT_DB_ALIAS] = self._connections.pop()
        except IndexError:
            connections[DEFAULT_DB_ALIAS].inc_thread_sharing()
        connections[DEFAULT_DB_ALIAS].health_check_done = False  # type: ignore[attr-defined]  # Django's stubs lack it.
        return True

    def leave(self) -> None:
        """Give this thread's place to the next."""
        held = connections[DEFAULT_DB_ALIAS]
        del connections[DEFAULT_DB_ALIAS]
        self.give(held)

    def give(self, held: BaseDatabaseWrapper) -> None:
        """Give a place to the next, with its connection, which its thread does not use any more."""
        try:
            if held.in_atomic_block:
                held.close()
            else:
                self._connections.append(held)
        finally:
            self._free.release()


class Desks:
    """Lets so many requests in at a time. A desk can be lent while its client is waited for."""

    def __init__(self, application: Application, most: int, looks: int) -> None:
        self._application = application
        self._places, self._looks = Places(most), Places(looks)
        self._lock = threading.Lock()
        self._waiting = 0

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        environ["CONTENT_TYPE"] = media_types.plain(environ.get("CONTENT_TYPE", ""))
        if environ.get("PATH_INFO") in HEALTH:
            # They read no body, and nobody waits for one that does not come.
            environ["wsgi.input"], environ["CONTENT_LENGTH"] = io.BytesIO(), "0"
            return self._sent(environ, start)
        if not self.sit():
            environ[BUSY] = True
            return self._sent(environ, start)
        body = environ["wsgi.input"] = Incoming(environ, self)
        try:
            return self._sent(environ, start)
        finally:
            if body.at_desk:
                self._places.leave()

    def sit(self, seconds: float = PATIENCE_SECONDS) -> bool:
        """Take a desk, after some waiting. False: there is none."""
        return self._places.take(0) or self._wait(seconds)

    def give(self, held: BaseDatabaseWrapper) -> None:
        """Give a desk to the next, with its connection, which its thread does not use any more."""
        self._places.give(held)

    def _sent(self, environ: Environ, start: Start) -> Iterable[bytes]:
        answer = self._application(environ, start)
        return _Streamed(answer, self._looks) if getattr(answer, "streaming", False) else _Sent(answer)

    def _wait(self, seconds: float) -> bool:
        with self._lock:
            if self._waiting >= WAITING:
                return False
            self._waiting += 1
        try:
            return self._places.take(seconds)
        finally:
            with self._lock:
                self._waiting -= 1


class _Sent:
    """The answer on its way to the client, which may take its time: no desk is held meanwhile."""

    def __init__(self, answer: Iterable[bytes]) -> None:
        self._answer = answer
        self._pieces = iter(answer)

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def close(self) -> None:
        """End the answer, and whatever its end asked of the database by."""
        close = getattr(self._answer, "close", None)
        try:
            if close is not None:
                close()
        finally:
            connections.close_all()


class _Streamed(_Sent):
    """An answer that is made while it is sent: it has a connection while a piece is made, none while one is taken."""

    def __init__(self, answer: Iterable[bytes], looks: Places) -> None:
        super().__init__(answer)
        self._looks = looks

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        self._looks.take()
        try:
            return next(self._pieces)
        finally:
            self._looks.leave()


def opened(application: Application) -> Desks:
    """Desks for as many requests as are configured."""
    config = settings.CONFIG
    return Desks(application, config.web_threads, config.answer_streams + LOOKS)

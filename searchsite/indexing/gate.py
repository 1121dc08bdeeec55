"""Which providers are left alone, known to all processes of the house: what one learns, the others need not.

Kept in Postgres and by its clock. The good way costs no round trip: who changes something notifies the others, whose
connections have the notice before they ask.
"""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

import psycopg
import structlog
from django.db import Error, connection
from django.db.models import Q
from django.db.models.functions import Now

from searchsite.indexing.models import ProviderPause
from searchsite.inference import breaker
from searchsite.inference.breaker import WELL, Change, Pace, State, after_pass, entering
from searchsite.inference.errors import InferenceError

log = structlog.get_logger()
Result = TypeVar("Result")
# Notices come at once; this is for those that a pooler between us and the database swallows.
LOOK_SECONDS = 1.0
# How long the gate does without a database that is away.
ALONE_SECONDS = 5.0
# What failed is said to fail until something else is known, but not for ever: it may not be in use any more.
UNTRIED = timedelta(minutes=10)
BRIEF = timedelta(minutes=1)
CHANNEL = "provider_pause"
FIELDS = "failures, extract(epoch FROM until)::float, extract(epoch FROM since)::float, kind, reason"
NOW = "SELECT extract(epoch FROM clock_timestamp())::float"
LOOK = f"SELECT provider, {FIELDS} FROM provider_pause"
PUT_IN = (
    "INSERT INTO provider_pause (provider, failures, until, since, kind, reason)"
    " VALUES (%s, 0, to_timestamp(0), to_timestamp(0), 'down', '') ON CONFLICT DO NOTHING"
)
LOCK = f"SELECT {FIELDS} FROM provider_pause WHERE provider = %s FOR UPDATE"
CHANGE = (
    "UPDATE provider_pause SET failures = %s, until = to_timestamp(%s), since = to_timestamp(%s), kind = %s,"
    " reason = %s WHERE provider = %s"
)
REMOVE = "DELETE FROM provider_pause WHERE provider = %s"


def away() -> list[ProviderPause]:
    """The providers that are left alone now, longest first."""
    return list(ProviderPause.objects.filter(until__gt=Now()).order_by("since"))


def failing() -> list[ProviderPause]:
    """The providers that are not well, longest first: also between two probes, and not those briefly asked to wait."""
    tried = Q(until__gt=Now() - UNTRIED) & ~Q(kind="busy")
    long_busy = Q(kind="busy", until__gt=Now(), since__lt=Now() - BRIEF)
    return list(ProviderPause.objects.filter(tried | long_busy).order_by("since"))


def forget_refusals() -> None:
    """Believe in the keys anew, as after a start: perhaps others are set."""
    ProviderPause.objects.filter(kind="key").delete()


class SharedGate:
    """A gate whose state all processes share. Thread-safe; it has a connection of its own, for calls from threads."""

    def __init__(self, pace: Pace | None = None) -> None:
        self._pace = pace or Pace()
        self._lock = threading.Lock()
        self._states: dict[str, State] = {}
        self._untold: dict[str, State] = {}
        """What was found out while the database was away."""
        self._connection: psycopg.Connection[Any] | None = None
        self._ahead = 0.0
        """Seconds from our monotonic clock to the database's."""
        self._look_at = 0.0
        self._alone_until = 0.0

    def enter(self, provider: str) -> bool:
        # A probe that is due is made by one process alone.
        due = self._is_due(provider)
        return due and self._change(provider, lambda state, now: entering(state, provider, now, self._pace))

    def look(self, provider: str) -> None:
        self._is_due(provider)

    def passed(self, provider: str, *, probe: bool = False) -> None:
        with self._lock:
            known = provider in self._states
        if known:
            self._change(provider, lambda state, now: (after_pass(state, now, probe=probe), None))

    def failed(self, provider: str, error: InferenceError) -> int:
        return self._change(provider, breaker.failing(error, self._pace))

    def close(self) -> None:
        """Close the connection; the next call opens another."""
        with self._lock:
            self._hang_up()

    def _change(self, provider: str, change: Change[Result]) -> Result:
        with self._lock:
            open_connection = self._connected()
            if open_connection is not None:
                try:
                    with open_connection.transaction():
                        state, result = _changed(open_connection, provider, change)
                    self._keep(provider, state)
                    return result
                except (psycopg.Error, Error) as error:
                    self._do_without(error)
            state, result = change(self._states.get(provider, WELL), self._now())
            self._keep(provider, state)
            self._untold[provider] = state
            return result

    def _is_due(self, provider: str) -> bool:
        """Whether a probe is due. Raises where the provider is left alone."""
        with self._lock:
            self._look()
            return entering(self._states.get(provider, WELL), provider, self._now(), self._pace)[1]

    def _look(self) -> None:
        """Learn what other processes found out."""
        open_connection = self._connected()
        if open_connection is None:
            return
        try:
            told = list(open_connection.notifies(timeout=0))
            if not told and time.monotonic() < self._look_at:
                return
            (now,) = open_connection.execute(NOW).fetchone() or (time.time(),)
            self._ahead = now - time.monotonic()
            self._states = {provider: State(*fields) for provider, *fields in open_connection.execute(LOOK).fetchall()}
            self._look_at = time.monotonic() + LOOK_SECONDS
        except (psycopg.Error, Error) as error:
            self._do_without(error)

    def _keep(self, provider: str, state: State) -> None:
        if state == WELL:
            self._states.pop(provider, None)
        else:
            self._states[provider] = state

    def _now(self) -> float:
        return time.monotonic() + self._ahead

    def _connected(self) -> psycopg.Connection[Any] | None:
        if self._connection is None and time.monotonic() >= self._alone_until:
            try:
                self._connection = connection.get_new_connection(connection.get_connection_params())
                self._connection.autocommit = True
                self._connection.execute(f"LISTEN {CHANNEL}")
                self._look_at = 0.0
                self._tell(self._connection)
            except (psycopg.Error, Error) as error:
                self._do_without(error)
        return self._connection

    def _tell(self, database: psycopg.Connection[Any]) -> None:
        """Write down what was found out meanwhile: what a provider asked for lasts longer than a database is away."""
        (now,) = database.execute(NOW).fetchone() or (time.time(),)
        moved, self._ahead = now - time.monotonic() - self._ahead, now - time.monotonic()
        self._untold = {name: _moved(state, moved) for name, state in self._untold.items()}
        for provider, own in self._untold.items():
            with database.transaction():
                _changed(database, provider, _joining(own))
        self._untold.clear()

    def _do_without(self, error: Exception) -> None:
        log.warning("gate without database", error=type(error).__name__)
        self._alone_until = time.monotonic() + ALONE_SECONDS
        self._hang_up()

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None


def _moved(state: State, seconds: float) -> State:
    """The same by another clock. A time that is none stays so."""
    until = state.until and state.until + seconds
    return replace(state, until=until, since=state.since and state.since + seconds)


def _joining(own: State) -> Change[None]:
    """As a change of what the others know."""
    return lambda there, now: (_later(there, own), None)


def _later(one: State, other: State) -> State:
    """What two know of a provider that did not hear of each other: it is left alone for as long as either says."""
    later, earlier = (other, one) if other.until > one.until else (one, other)
    began = [state.since for state in (one, other) if state.since]
    return replace(later, failures=max(later.failures, earlier.failures), since=min(began, default=0.0))


def _changed(database: psycopg.Connection[Any], provider: str, change: Change[Result]) -> tuple[State, Result]:
    """Change a provider's row while no other process can. An error of the change undoes everything."""
    database.execute(PUT_IN, [provider])
    row = database.execute(LOCK, [provider]).fetchone()
    (now,) = database.execute(NOW).fetchone() or (time.time(),)
    state, result = change(State(*row) if row else WELL, now)
    if state == WELL:
        database.execute(REMOVE, [provider])
    else:
        fields = [state.failures, state.until, state.since, state.kind, state.reason.replace("\0", "")]
        database.execute(CHANGE, [*fields, provider])
    database.execute(f"NOTIFY {CHANNEL}")
    return state, result

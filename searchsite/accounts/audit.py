"""The audit log: who did what, to which thing, from where. Lines are added, and never changed or taken out."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from django.db import connection, transaction
from django.db.models import Model
from django.db.models.functions import Now

from searchsite import config
from searchsite.accounts.models import Action as Action
from searchsite.accounts.models import AuditEntry, Team, User

Detail = str | int | bool | list[str] | None
# Numbers, ids and words of our own: whatever people write has another shape, and is kept out by that.
WORD = re.compile(r"[A-Za-z0-9_.,:/-]{0,64}")
MINUTE, HOUR = 60, 3600
DELETED_AT_ONCE = 10_000
REMEMBERED = 10_000


@dataclass(frozen=True)
class Actor:
    """Who acts, by number and name, and in which team."""

    id: int | None = None
    name: str = ""
    team_id: int | None = None


def _nobody() -> Actor:
    return Actor()


@dataclass
class Origin:
    """Where what happens now comes from. `who` is only asked when something is written."""

    who: Callable[[], Actor] = _nobody
    address: Callable[[], str] = str
    request_id: str = ""


_origin: ContextVar[Origin | None] = ContextVar("audit_origin", default=None)


@contextmanager
def coming_from(origin: Origin) -> Iterator[Origin]:
    """Let what is written inside come from there; it holds for this thread."""
    token = _origin.set(origin)
    try:
        yield origin
    finally:
        _origin.reset(token)


def acts(user: User, team_id: int | None = None) -> None:
    """From here on this person acts: they showed a token, and so have no session that says it."""
    origin = _origin.get()
    if origin is not None:
        actor = Actor(user.pk, user.get_username(), team_id)
        origin.who = lambda: actor


def note(
    action: Action,
    what: Model | tuple[str, object] | None = None,
    *,
    by: User | None = None,
    team_id: int | None = None,
    **detail: Detail,
) -> None:
    """Write a line, in the transaction that the change is in: both are kept, or neither.

    what: a row, or a kind and an id. by: who, if not the one whose request it is. Raises ValueError for a detail that
    is no number, id or short word of ours.
    """
    _entry(action, what, by=by, team_id=team_id, detail=detail).save(force_insert=True)


def note_once(action: Action, what: Model | tuple[str, object] | None, *, seconds: int, by: User | None = None) -> None:
    """Write a line for what happens often: one for this person, thing and address in so many seconds."""
    entry = _entry(action, what, by=by, team_id=None, detail={})
    key = f"{action}:{entry.kind}:{entry.thing}:{entry.actor_id}:{entry.address}"
    if _seen.holds(key):
        return
    same = {name: getattr(entry, name) for name in ("action", "kind", "thing", "actor_id", "address")}
    with transaction.atomic():
        with connection.cursor() as cursor:
            # Of several processes at once the second finds the line of the first.
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])
        since = Now() - timedelta(seconds=seconds)
        if not AuditEntry.objects.filter(**same, at__gt=since).exists():
            entry.save(force_insert=True)
    # No sooner: a line that could not be written is not taken for written. Nor before what the caller does is kept.
    transaction.on_commit(partial(_seen.add, key, seconds))


def prune() -> int:
    """Forget what is older than AUDIT_DAYS, some at a time. Nothing but this function of the database may delete."""
    days = config.load().audit_days
    if not days:
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT audit_entry_forget(%s, %s)", [days, DELETED_AT_ONCE])
        return int(cursor.fetchone()[0])


def forget() -> None:
    """Remember nothing of what was written lately in this process."""
    _seen.forget()


class _Seen:
    """What this process has written lately, which spares asking the database; safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until: dict[str, float] = {}

    def holds(self, key: str) -> bool:
        with self._lock:
            return self._until.get(key, 0.0) > time.monotonic()

    def add(self, key: str, seconds: int) -> None:
        with self._lock:
            if len(self._until) >= REMEMBERED:
                self._until.clear()
            self._until[key] = time.monotonic() + seconds

    def forget(self) -> None:
        with self._lock:
            self._until.clear()


_seen = _Seen()


def _entry(
    action: Action,
    what: Model | tuple[str, object] | None,
    *,
    by: User | None,
    team_id: int | None,
    detail: Mapping[str, Detail],
) -> AuditEntry:
    origin = _origin.get() or Origin()
    actor = origin.who() if by is None else Actor(by.pk, by.get_username())
    kind, thing = _named(what)
    return AuditEntry(
        action=action,
        actor_id=actor.id,
        actor_name=actor.name[:150],
        team_id=team_id or _team_of(what) or actor.team_id,
        kind=kind,
        thing=thing,
        address=origin.address()[:45],
        request_id=origin.request_id[:64],
        detail=_plain(detail),
    )


def _named(what: Model | tuple[str, object] | None) -> tuple[str, str]:
    if what is None:
        return "", ""
    if isinstance(what, Model):
        return str(what._meta.model_name), str(getattr(what, "public_id", None) or what.pk)
    return what[0], str(what[1])[:64]


def _team_of(what: object) -> int | None:
    return what.pk if isinstance(what, Team) else getattr(what, "team_id", None)


def _plain(detail: Mapping[str, Detail]) -> dict[str, Detail]:
    for name, value in detail.items():
        words = [value] if isinstance(value, str) else value if isinstance(value, list) else []
        if not all(WORD.fullmatch(word) for word in words):
            raise ValueError(f"The audit log takes numbers, ids and short words alone, and “{name}” is none of these.")
    return {name: str(value) if isinstance(value, str) else value for name, value in detail.items()}

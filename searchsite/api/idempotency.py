"""A request sent twice with one Idempotency-Key is done once and answered twice."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection, transaction
from django.db.models.functions import Now

from searchsite.api.auth import Caller
from searchsite.api.models import IdempotencyKey
from searchsite.api.problems import Problem

KEEP = timedelta(hours=24)
LONGEST = 255


@dataclass(frozen=True)
class Answer:
    """A status and a body of JSON; `again` when it was given before."""

    status: int
    body: str
    again: bool = False


def digest_of(*facts: str | bytes) -> bytes:
    """Return one digest of everything that makes a request what it is; boundaries and header order do not."""
    whole = hashlib.sha256()
    for fact in facts:
        data = fact if isinstance(fact, bytes) else fact.encode("utf-8", "surrogatepass")
        whole.update(len(data).to_bytes(8) + data)
    return whole.digest()


def once(caller: Caller, key: str | None, digest: bytes, do: Callable[[], Answer]) -> Answer:
    """Do the work, or give the answer that this key has had.

    The work and the memory of its answer are one transaction, so a crash leaves neither; an advisory lock held
    to its end tells a second request that the first is still at it. A refusal is not remembered.
    """
    if key is None:
        return do()
    if not 0 < len(key) <= LONGEST or not key.isascii() or not key.isprintable():
        raise Problem(422, f"An Idempotency-Key is 1 to {LONGEST} printable ASCII characters.", code="bad-key")
    with transaction.atomic():
        if not _lock(caller, key):
            raise Problem(409, "A request with this Idempotency-Key is still being worked on.", code="in-progress")
        IdempotencyKey.objects.filter(created_at__lt=Now() - KEEP).delete()
        known = IdempotencyKey.objects.filter(user=caller.user, team=caller.team, key=key).first()
        if known is None:
            return _remember(caller, key, digest, do())
    if bytes(known.digest) != digest:
        raise Problem(422, "This Idempotency-Key was used for a different request.", code="key-reused")
    return Answer(known.status, known.body, again=True)


def _remember(caller: Caller, key: str, digest: bytes, answer: Answer) -> Answer:
    IdempotencyKey.objects.create(
        user=caller.user, team=caller.team, key=key, digest=digest, status=answer.status, body=answer.body
    )
    return answer


def _lock(caller: Caller, key: str) -> bool:
    number = digest_of(b"idempotency", str(caller.user.pk), str(caller.team.pk), key)[:8]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [int.from_bytes(number, signed=True)])
        return bool(cursor.fetchone()[0])

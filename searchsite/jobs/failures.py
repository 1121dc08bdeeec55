"""What has failed for good or was cancelled, grouped by its reason, the numbers and names in it aside."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import Any

from django.db import connection

from searchsite.jobs.models import FAILED, Job
from searchsite.jobs.overview import NO_NEWER

# Grouping looks at the newest alone, so that a page with a million failures stays a page.
LOOKED_AT = 2000
EXAMPLES = 20
GROUPS = f"""
WITH newest AS (
    SELECT id, kind, state, subject, space_id, last_error, finished_at FROM job
    WHERE state IN ('dead', 'cancelled') AND (%(everyone)s OR team_id = ANY(%(teams)s))
    ORDER BY finished_at DESC NULLS LAST LIMIT %(most)s
)
SELECT kind, state, last_error COLLATE "C", count(*), max(finished_at),
    (array_agg(id ORDER BY finished_at DESC NULLS LAST, id DESC))[1:%(examples)s], (SELECT count(*) FROM newest)
FROM newest AS job WHERE {NO_NEWER}
GROUP BY kind, state, last_error COLLATE "C"
"""
NEWEST = f"""
WITH newest AS (
    SELECT id, kind, subject, space_id, last_error, finished_at FROM job
    WHERE state IN ('dead', 'cancelled') AND kind = %(kind)s AND state = %(state)s
        AND (%(everyone)s OR team_id = ANY(%(teams)s))
    ORDER BY finished_at DESC NULLS LAST, id DESC LIMIT %(most)s
)
SELECT id, last_error, (SELECT count(*) FROM newest) FROM newest AS job WHERE {NO_NEWER}
ORDER BY finished_at DESC NULLS LAST, id DESC
"""
ASIDE = (
    (re.compile(r"https?://\S+?(?=[\s,;:)]|\.?$|\.\s)"), "…"),
    (re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[0-9a-f]{16,}\b", re.IGNORECASE), "…"),
    # A host with its port, or an address; not a word that merely ends a sentence.
    (re.compile(r"\b(?:[\w-]+\.)+[\w-]+:\d+\b|\b(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?\b|\blocalhost(?::\d+)?\b"), "…"),
    (re.compile(r"\d+(?:[.,]\d+)*"), "#"),
)

SEAL = "sealed:"


@dataclass(frozen=True)
class Group:
    """Failures of one kind for one reason. `said` is what the newest said; `jobs` are the newest, to look at."""

    kind: str
    state: str
    reason: str
    said: str
    count: int
    newest: datetime | None
    jobs: tuple[int, ...]

    @property
    def is_sealed(self) -> bool:
        """Whether its reason is withheld from whoever looks."""
        return self.reason.startswith(SEAL)


@dataclass(frozen=True)
class Failures:
    """All groups, the largest first; `whole` is false where there are more failures than were looked at."""

    groups: tuple[Group, ...] = ()
    whole: bool = True
    counts: dict[tuple[str, str], int] = field(default_factory=dict)

    def number(self, kind: str, state: str) -> int:
        """How many of a kind are in this state."""
        return self.counts.get((kind, state), 0)


@lru_cache(maxsize=2 * LOOKED_AT)
def plain(message: str) -> str:
    """A message without what differs from item to item: addresses, ids and numbers."""
    for pattern, instead in ASIDE:
        message = pattern.sub(instead, message)
    # Sentences about a server begin with its name.
    return " ".join(message.split()).removeprefix("…: ")[:300]


def sealed(group: Group) -> Group:
    """The group without a word of why: its reason is a name, by which its jobs are still found."""
    return replace(group, reason=_seal(group.reason), said="")


def grouped(*, teams: Collection[int] | None = None) -> Failures:
    """The failures of these teams, or of all."""
    asked: dict[str, bool | int | list[int]] = {
        "everyone": teams is None,
        "teams": list(teams or ()),
        "most": LOOKED_AT,
        "examples": EXAMPLES,
    }
    with connection.cursor() as cursor:
        cursor.execute(GROUPS, asked)
        rows = cursor.fetchall()
    groups: dict[tuple[str, str, str], Group] = {}
    for kind, state, error, number, newest, jobs, _ in rows:
        one = Group(kind, state, plain(error), error, number, newest, tuple(jobs))
        known = groups.get((kind, state, one.reason))
        groups[kind, state, one.reason] = one if known is None else _together(known, one)
    counts: dict[tuple[str, str], int] = {}
    for group in groups.values():
        counts[group.kind, group.state] = counts.get((group.kind, group.state), 0) + group.count
    ordered = sorted(groups.values(), key=lambda group: (group.state != "dead", -group.count, group.reason))
    return Failures(tuple(ordered), not rows or rows[0][-1] < LOOKED_AT, counts)


def newest_of_group(
    kind: str, state: str, reason: str, *, teams: Collection[int] | None = None
) -> tuple[list[int], bool]:
    """The jobs of one group among the newest failures, the newest first, and whether these were all failures."""
    asked: dict[str, bool | int | str | list[int]] = {
        "kind": kind,
        "state": state,
        "everyone": teams is None,
        "teams": list(teams or ()),
        "most": LOOKED_AT,
    }
    with connection.cursor() as cursor:
        cursor.execute(NEWEST, asked)
        rows = cursor.fetchall()
    ids = [pk for pk, error, _ in rows if _is(error, reason)]
    return ids, not rows or rows[0][-1] < LOOKED_AT


def of_group(kind: str, state: str, reason: str, *, teams: Collection[int] | None = None) -> Iterator[list[int]]:
    """All jobs of one group, however many: a batch at a time, as they were when the first was asked for."""
    found = Job.objects.filter(FAILED, kind=kind, state=state)
    chosen = found if teams is None else found.filter(team_id__in=list(teams))
    rows = chosen.order_by().values_list("id", "last_error").iterator(chunk_size=LOOKED_AT)
    ids = (pk for pk, error in rows if _is(error, reason))
    while batch := list(islice(ids, LOOKED_AT)):
        yield batch


def cancelled(kind: str | None = None, *, teams: Collection[int] | None = None) -> Iterable[int]:
    """The jobs of a kind, or of any, that were cancelled."""
    found = Job.objects.filter(state="cancelled", **({} if kind is None else {"kind": kind}))
    return (found if teams is None else found.filter(team_id__in=list(teams))).values_list("id", flat=True)


def _is(error: str, reason: str) -> bool:
    said = plain(error)
    return said == reason or (reason.startswith(SEAL) and _seal(said) == reason)


def _seal(reason: str) -> str:
    return SEAL + hashlib.sha256(reason.encode()).hexdigest()[:16]


def _together(one: Group, other: Group) -> Group:
    newer, older = (one, other) if _at(one) >= _at(other) else (other, one)
    jobs: tuple[Any, ...] = (*newer.jobs, *older.jobs)[:EXAMPLES]
    return Group(one.kind, one.state, one.reason, newer.said, one.count + other.count, newer.newest, jobs)


def _at(group: Group) -> float:
    return group.newest.timestamp() if group.newest else 0.0

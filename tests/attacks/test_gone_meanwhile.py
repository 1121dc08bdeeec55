"""Things, and rights to them, go between any two statements of an answer: nothing breaks, and it says what is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.db.models.functions import Now

from searchsite.accounts.models import Membership, Token, User
from searchsite.indexing.models import Space, SpaceStatus
from searchsite.jobs.models import Job
from searchsite.library import collections
from searchsite.library.models import Collection, Item, Part, Purpose, Tag, Visibility
from tests import figures
from tests.attacks import table
from tests.attacks.crowd import Crowd
from tests.attacks.doors import OPENS, Row
from tests.attacks.table import NOTE, PHOTO
from tests.attacks.visits import PASSING_TABLES, WRITES, visit

LOCKS = re.compile(r"\bFOR (NO KEY )?UPDATE\b")
# What is noted of who asks locks nothing that others take away.
NOTED = {*PASSING_TABLES, "audit_entry"}
MOST = 100
GONE, WITHOUT_RIGHTS = (404, 409), (302, 401, 403, 404, 409)


def holds(sql: str) -> bool:
    """Whether from here on what goes would have to wait for who asks, or who asks has waited for it."""
    written = WRITES.match(sql)
    locked = LOCKS.search(sql) and "audit" not in sql and 'FROM "django_session"' not in sql
    return bool(locked) if written is None else written[2] not in NOTED


class Saboteur:
    """Does its deed before one of the statements that an answer takes; what a visit does is undone with it."""

    def __init__(self, deed: Callable[[], object], before: int) -> None:
        self.deed, self.before, self.seen = deed, before, 0
        self.begun = self.over = False

    def __call__(self, execute: Any, sql: Any, *args: Any) -> Any:
        if "SAVEPOINT" in str(sql):
            self.begun = True
        elif self.begun and not self.over:
            self.seen += 1
            self.over = self.seen == self.before or holds(str(sql))
            if self.seen == self.before:
                self.deed()
        return execute(sql, *args)


def deleted(crowd: Crowd) -> None:
    Item.objects.filter(team=crowd.team).delete()


def thrown_away(crowd: Crowd) -> None:
    bin_ = collections.ensure_system(crowd.team)[Purpose.TRASH]
    there = Item.objects.filter(team=crowd.team, trashed_at=None)
    there.update(collection=bin_, trashed_at=Now())


def closed(crowd: Crowd) -> None:
    Collection.objects.filter(team=crowd.team).update(visibility=Visibility.PRIVATE, created_by=None)


def shelves_deleted(crowd: Crowd) -> None:
    deleted(crowd)
    Collection.objects.filter(team=crowd.team, purpose=Purpose.NORMAL).delete()


def left(crowd: Crowd) -> None:
    Membership.objects.filter(team=crowd.team).delete()


def switched_off(crowd: Crowd) -> None:
    User.objects.update(is_active=False)


def signed_out(crowd: Crowd) -> None:
    Session.objects.all().delete()
    Token.objects.all().delete()


def forgotten(crowd: Crowd) -> None:
    for kind in (Job, Tag, Part):
        kind.objects.all().delete()
    Space.objects.update(status=SpaceStatus.RETIRED)


LONG = (thrown_away, closed, shelves_deleted, left, switched_off, signed_out, forgotten)


def rows() -> Iterator[tuple[str, str, Row]]:
    """Who may ask where about an item."""
    for route, row in table.rows():
        opens = [name for name in ("alice", "root") if row.door[name] == OPENS]
        named = "items/" in route or "library/item/" in route or {NOTE, PHOTO} & set(map(str, row.sent.values()))
        if opens and named:
            yield opens[0], route, row


@contextmanager
def sabotaged(deed: Callable[[], object], before: int) -> Iterator[Saboteur]:
    saboteur = Saboteur(deed, before)
    with connection.execute_wrapper(saboteur):
        yield saboteur


@pytest.mark.parametrize("deed", [deleted, *(pytest.param(one, marks=pytest.mark.long) for one in LONG)])
def test_an_answer_is_whole_or_says_that_it_is_gone(crowd: Crowd, deed: Callable[[Crowd], None]) -> None:
    wrong, seen = [], 0
    for name, route, row in rows():
        for before in range(1, MOST):
            with sabotaged(lambda: deed(crowd), before) as saboteur:
                one = visit(crowd, name, route, row)
            # Who cares for the house sees into the trash, too, and may change nothing there.
            if one.status not in (*row.opens, *(WITHOUT_RIGHTS if deed in LONG else GONE)) or one.faults():
                wrong.append(f"{one} before its statement {before}: {one.faults()} {one.body[:200]}")
            seen += 1
            if saboteur.seen < before:
                break
        assert before > 3 or deed in LONG or "api/" not in route, f"{row.method} {route}: it is not looked into"
    assert seen > 250
    assert wrong == [], "\n".join(wrong)
    figures.keep(10, f"gone meanwhile, {deed.__name__}", requests=seen, wrong=0)

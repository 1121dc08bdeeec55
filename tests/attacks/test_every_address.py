"""Each address of the table of addresses, asked by everybody: who is let in, and what the others are told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from tests import figures
from tests.attacks import table
from tests.attacks.crowd import EVERYBODY, Crowd
from tests.attacks.doors import Row
from tests.attacks.table import NOTE
from tests.attacks.visits import PASSING_TABLES, same, visit


def addresses(patterns: list[Any], before: str = "") -> Iterator[str]:
    """Every route that is in the table of addresses."""
    for one in patterns:
        if isinstance(one, URLResolver):
            yield from addresses(one.url_patterns, before + str(one.pattern))
        elif isinstance(one, URLPattern):
            yield before + re.sub(r"(?<=<app_label>)[^)]+", "", str(one.pattern))


def test_every_address_has_a_row_here() -> None:
    known, there = {route for route, _row in table.rows()}, set(addresses(get_resolver().url_patterns))
    assert there - known == set(), "Say in tests/attacks/table.py by which door one comes to these addresses."
    assert known - there == set(), "These addresses are gone: take them out of tests/attacks/table.py."


def test_each_is_answered_as_the_table_says_and_tells_nothing_to_strangers(crowd: Crowd) -> None:
    wrong, seen = [], 0
    for route, row in table.rows():
        for name in EVERYBODY:
            one = visit(crowd, name, route, row)
            seen += 1
            faults = [*one.faults(), *(f"says {word}" for word in one.leaks())]
            if not one.is_told(row):
                faults.append(f"not {row.door[name]} {row.opens}")
            if row.method == "GET" and one.written - PASSING_TABLES:
                faults.append(f"writes {one.written}")
            if faults:
                wrong.append(f"{one}: {', '.join(faults)}")
    assert wrong == [], "\n".join(wrong)
    routes = {route for route, _row in table.rows()}
    figures.keep(10, "roles", addresses=len(routes), people=len(EVERYBODY), requests=seen, wrong=0, errors_500=0)


def test_what_is_anothers_cannot_be_told_from_what_never_was(crowd: Crowd) -> None:
    told_apart = []
    for route, row in table.rows():
        if route == "accounts/login/":
            continue
        for name in EVERYBODY:
            if row.door[name] == 404:
                theirs, missing = visit(crowd, name, route, row), visit(crowd, name, route, row, missing=True)
                if not same(theirs, missing):
                    told_apart.append(f"{theirs} / {missing}\n{theirs.body[:300]}\n{missing.body[:300]}")
    assert told_apart == [], "\n".join(told_apart)


def test_what_is_private_is_nobody_elses(crowd: Crowd) -> None:
    crowd.known |= {"public_id": crowd.private.public_id, "item_id": crowd.private.public_id}
    wrong, seen = [], 0
    for route, row in table.rows():
        names_the_note = (not row.names and "_id>" in route) or NOTE in row.sent.values()
        for name in ("bob", "sue", "root") if row.door["charlie"] == 404 and names_the_note else ():
            theirs, missing = visit(crowd, name, route, row), visit(crowd, name, route, row, missing=True)
            if theirs.status != 404 or not same(theirs, missing):
                wrong.append(f"{theirs} / {missing}")
            seen += 1
    assert seen > 30
    assert wrong == [], "\n".join(wrong)


@pytest.mark.parametrize("name", ["nobody", "root"])
def test_no_address_takes_a_method_that_it_does_not_offer(crowd: Crowd, name: str) -> None:
    offered: dict[str, set[str]] = {}
    for route, row in table.rows():
        offered.setdefault(route, set()).add(row.method)
    wrong = []
    for route, methods in offered.items():
        for method in _others(route) - methods:
            one = visit(crowd, name, route, Row(method, {}, ()))
            if one.status not in _refusals(name, method, route) or one.written - PASSING_TABLES or one.faults():
                wrong.append(f"{one}: {one.written} {one.faults()}")
    assert wrong == [], "\n".join(wrong)


def _others(route: str) -> set[str]:
    """Methods to try; of the admin's many pages, which are Django's, two."""
    two = {"PUT", "DELETE"}
    return two if route.startswith("admin/") else two | {"GET", "POST", "PATCH", "OPTIONS", "TRACE", "PURGE"}


def _refusals(name: str, method: str, route: str) -> set[int]:
    if route.startswith("upload/tus"):
        return {401} if name == "nobody" else {204, 405} if method == "OPTIONS" else {405}
    # Django's own pages take what is no POST for a GET, and change nothing.
    django_s = route.startswith(("admin/", "accounts/", "language"))
    return {200, 204, 302, 403, 404, 405} if django_s else {404, 405}

"""Going to an address as somebody, and reading the answer as an attacker would."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction

from searchsite.library.models import Item
from searchsite.web.middleware import POLICY
from tests.attacks import table
from tests.attacks.crowd import PRIVATE, SECRET, Crowd
from tests.attacks.doors import OPENS, SIGN_IN, Row

PARAMETER = re.compile(r"<(?:\w+:)?(?P<name>\w+)>")
# What is new with each answer.
PASSING = re.compile(r'name="csrfmiddlewaretoken" value="\w+"|"request_id": "\w+"')
WRITES = re.compile(
    r"\s*(INSERT|UPDATE|DELETE|TRUNCATE|CREATE|DROP|ALTER)\b(?:\s+(?:INTO|FROM|TABLE))?\s+\"?(\w+)", re.I
)
# A session keeps which language and team; a token when it was last used; caches what they hold; a call what it cost.
PASSING_TABLES = {"django_session", "cache_entry", "list_entry", "token", "usage", "provider_call"}
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
FILE_POLICY = "sandbox; default-src 'none'"


@dataclass(frozen=True)
class Visit:
    """Who asked where, and what the answer was."""

    name: str
    method: str
    route: str
    status: int
    headers: Mapping[str, str]
    body: str
    cookies: Mapping[str, Any]
    written: set[str]

    def __str__(self) -> str:
        return f"{self.name} {self.method} {self.route} -> {self.status} {self.headers.get('Location', '')}"

    @property
    def outcome(self) -> str | int:
        """As the table says it: to sign in, or a status."""
        led = self.headers.get("Location", "") + self.headers.get("HX-Redirect", "")
        return SIGN_IN if led.startswith(("/accounts/login/", "/admin/login/")) else self.status

    def is_told(self, row: Row) -> bool:
        """Whether the person was told what the table says."""
        told = row.door[self.name]
        return self.outcome in row.opens if told == OPENS else self.outcome == told

    def faults(self) -> list[str]:
        """What no answer may have, or lack."""
        found = [
            f"{name}: {self.headers.get(name)}" for name, value in HEADERS.items() if self.headers.get(name) != value
        ]
        policy = self.headers.get("Content-Security-Policy")
        found += [] if policy in (POLICY, FILE_POLICY) else [f"policy: {policy}"]
        found += ["a header of CORS"] if any(one.startswith("Access-Control-") for one in self.headers) else []
        found += ["a traceback"] if "Traceback (most recent" in self.body else []
        found += ["a cookie with a file"] if self.cookies and policy == FILE_POLICY else []
        for one in (given for given in self.cookies.values() if given.value):
            if one["samesite"] != "Lax" or not (one["httponly"] or one.key == "csrf"):
                found.append(f"the cookie {one.key}")
        return found

    def leaks(self) -> list[str]:
        """Words that the person may not read."""
        text = f"{self.body} {dict(self.headers)}".casefold()
        return [word for word in _hidden_from(self) if word.casefold() in text]


def _hidden_from(visit: Visit) -> tuple[str, ...]:
    if visit.name in ("nobody", "gone", "nell", "charlie", "cora"):
        return (SECRET, PRIVATE)
    leads = visit.name == "alice" or (visit.name == "root" and visit.route.startswith("admin/"))
    return () if leads else (PRIVATE,)


def visit(crowd: Crowd, name: str, route: str, row: Row, *, missing: bool = False) -> Visit:
    """Ask as somebody, and leave everything as it was. missing: for something that was never there."""
    client = crowd.caller(name) if route.startswith("api/") else crowd.browser(name)
    known = _nothing(crowd, route) if missing else known_of(crowd, route)
    address = address_of(route, row, known)
    written: set[str] = set()

    def seen(execute: Any, sql: Any, *args: Any) -> Any:
        # A refusal is written down, and changes nothing.
        if (found := WRITES.match(str(sql))) and found[2] != "audit_entry":
            written.add(found[2])
        return execute(sql, *args)

    with transaction.atomic(), connection.execute_wrapper(seen):
        response = client.generic(row.method, address, *_sent(row, known), headers=dict(row.headers))
        body = b"".join(response.streaming_content) if response.streaming else response.content
        transaction.set_rollback(True)
    text = body.decode("utf-8", "replace")
    given = (name, row.method, route, response.status_code, response.headers, text, response.cookies, written)
    return Visit(*given)


def same(one: Visit, other: Visit) -> bool:
    """Whether two answers cannot be told apart, but for what names the thing that was asked for."""
    return (one.status, _masked(one.body)) == (other.status, _masked(other.body))


def _masked(body: str) -> str:
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d+", "#", PASSING.sub("", body))


def address_of(route: str, row: Row, known: Mapping[str, Any]) -> str:
    """The address of a route, with what its parameters name."""
    plain = route.replace(table.APPS, "library/").replace("(?P<url>.*)$", "x")
    return "/" + PARAMETER.sub(lambda found: str(known[row.names.get(found["name"], found["name"])]), plain)


def _sent(row: Row, known: Mapping[str, Any]) -> tuple[bytes, str]:
    if "Content-Type" in row.headers:
        return b"", row.headers["Content-Type"]
    filled = {key: value.format(**known) if isinstance(value, str) else value for key, value in row.sent.items()}
    if row.json:
        return json.dumps(filled).encode(), "application/json"
    form = "&".join(f"{key}={value}" for key, value in filled.items())
    return form.encode(), "application/x-www-form-urlencoded"


def known_of(crowd: Crowd, route: str) -> dict[str, Any]:
    parts = route.split("/")
    row = crowd.rows.get(parts[2], crowd.rows["item"]) if route.startswith("admin/") and len(parts) > 2 else 0
    more = {"object_id": row, "id": crowd.rows["user"], "pk": row, "trash": crowd.trashed.pk, "job": crowd.rows["job"]}
    if "<int:pk>" in route:
        more["photo"] = crowd.picture.pk
    kind = ContentType.objects.get_for_model(Item).pk
    return crowd.known | more | {"team": crowd.team.public_id, "content_type_id": kind, "place": crowd.place}


def _nothing(crowd: Crowd, route: str) -> dict[str, Any]:
    """For each name something that is not there."""
    known = known_of(crowd, route)
    never = {name: uuid4() if isinstance(value, UUID) else 10**9 for name, value in known.items()}
    return never | {"size": 480, "key": "0" + "x" * 22}

"""Hostile words in every field, every parameter and every path: refused or kept, shown as text, and never a fault."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from django.db import transaction
from django.db.models import CharField, Value
from django.db.models.functions import Cast, Concat
from django.test import Client
from django.utils import timezone

from searchsite.accounts.models import Team, Token, User
from searchsite.jobs.models import Job, State
from searchsite.library import edits, tags
from searchsite.library.models import Collection, Item
from tests import figures, made
from tests.attacks import table
from tests.attacks.crowd import Crowd
from tests.attacks.doors import OPENS
from tests.attacks.hostile import LINK, MARKUP, Form, Page, Turns, written
from tests.attacks.visits import address_of, known_of

# So many words each field gets; they go round, so that with one each was in many fields.
EACH = pytest.mark.parametrize("each", [1, pytest.param(8, marks=pytest.mark.long)])
ODD = (2**70, -1, 1.5, None, [], {}, [[]], True)
FORM = "application/x-www-form-urlencoded"
SEARCH = "q not like unlike picture unpicture kind collection tag by after before sort mode rerank instruct fold weak"
SEARCH += " limit cursor copies heads facets thinking a[] q[$ne]"
LIST = "q p o all e when kind kind__exact status trash in tag by team state lane operation visibility__exact purpose"
LIST += " is_staff__exact _popup _to_field _changelist_filters collection__team__name id__in"
BODIES = (
    b"",
    b"{",
    b"null",
    b"[]",
    b"\xff\xfe",
    b'{"text": "\xed\xa0\x80"}',
    b"[" * 100_000,
    b'{"a":' * 50_000,
    b"NaN",
)
KINDS = ("application/json", "text/plain", FORM, "multipart/form-data; boundary=", "multipart/form-data", "\0")
READ = {
    **dict.fromkeys(("", "search", "search/facets", "ask", "search/picture", "api/v1/search"), SEARCH.split()),
    "suggest": ["q"],
    "items/<uuid:public_id>": ["in", "at", "page"],
    "items/<uuid:public_id>/live": ["in"],
    "items/<uuid:public_id>/words": ["in", "q"],
    "items/<uuid:public_id>/edit": ["in"],
    "items/<uuid:public_id>/file": ["w", "download"],
    "notes/new": ["title", "collection"],
    "upload": ["collection", "id"],
    "upload/progress": ["id"],
    "selection/move": ["id", "next"],
    "trash": ["page"],
    "duplicates": ["page"],
    "usage": ["month", "team"],
    "usage.csv": ["month", "team"],
    "quality/compare": ["a", "b", "one", "other", "mode", "space"],
    "queue": ["team"],
    "queue/live": ["team", "seen"],
    "queue/group": ["kind", "state", "reason", "team"],
    "queue/missing": ["team"],
    "language": ["next", "language"],
    "accounts/login/": ["next", "login"],
    "api/v1/items": ["collection", "kind", "status", "cursor", "limit"],
    "api/v1/suggest": ["q"],
    "api/v1/judgements": ["cursor", "limit"],
    "api/v1/usage": ["month", "team", "from", "to", "day", "group"],
    "admin/": ["e"],
    "admin/autocomplete/": ["term", "app_label", "model_name", "field_name"],
    **{f"admin/{name}/": LIST.split() for name in table.RIGHTS},
    **{f"admin/{name}/add/": ["_popup", "_to_field", "name", "team", "_changelist_filters"] for name in table.RIGHTS},
    "admin/library/item/<path:object_id>/history/": ["p", "o"],
}
"""The parameters that pages read from their address."""


class Teller:
    """Asks as somebody, keeps count, and notes each answer that is none."""

    def __init__(self, crowd: Crowd) -> None:
        self.crowd, self.asked, self.wrong = crowd, 0, list[str]()

    def ask(self, client: Client, method: str, address: str, body: str | bytes = "", kind: str = FORM) -> Any:
        path, _, query = address.partition("?")
        with transaction.atomic():
            response = client.generic(method, path, body, kind, QUERY_STRING=query)
            text = b"".join(response.streaming_content) if response.streaming else response.content
            transaction.set_rollback(True)
        self.asked += 1
        self._judge(f"{method} {address[:150]} {str(body)[:300]}", response, text.decode("utf-8", "replace"))
        return response

    def _judge(self, what: str, response: Any, text: str) -> None:
        if response.status_code >= 500 or "Traceback (most recent" in text:
            self.wrong.append(f"{response.status_code}: {what}")
        if response.headers.get("Content-Type", "").startswith("text/html"):
            self.wrong += [f"{ran} runs: {what}" for ran in Page(text).runs]
        if "evil" in response.cookies:
            self.wrong.append(f"sets a cookie: {what}")

    def client_of(self, route: str, *, door: Any = None) -> Client:
        """The browser or program of whoever is let in."""
        name = "alice" if door is not None and door["root"] != OPENS else "root"
        return self.crowd.caller(name) if route.startswith("api/") else self.crowd.browser(name)

    def done(self, name: str, **counted: int) -> None:
        """All must have been answered."""
        assert self.wrong == [], f"{len(self.wrong)} of {self.asked}:\n" + "\n".join(self.wrong[:60])
        figures.keep(10, name, requests=self.asked, errors_500=0, **counted)


@pytest.fixture
def teller(crowd: Crowd) -> Teller:
    return Teller(crowd)


@EACH
def test_in_no_parameter_of_an_address(teller: Teller, each: int) -> None:
    turns, fields = Turns(), 0
    rows = {route: row for route, row in table.rows() if row.method == "GET"}
    for route, names in READ.items():
        address = address_of(route, rows[route], known_of(teller.crowd, route))
        for name in names:
            fields += 1
            for word in turns.some(each):
                teller.ask(
                    teller.client_of(route, door=rows[route].door), "GET", f"{address}?{written([(name, word)])}"
                )
        twice = written([(name, word) for name in names for word in turns.some(1)])
        teller.ask(teller.client_of(route, door=rows[route].door), "GET", f"{address}?{twice}")
    teller.done(f"parameters-{each}", parameters=fields)


@EACH
def test_in_no_form_of_a_page(teller: Teller, each: int) -> None:
    turns, fields = Turns(), 0
    for address, form in forms(teller):
        for name in form.names:
            fields += 1
            for word in turns.some(each):
                client = teller.crowd.browser("root")
                teller.ask(client, "POST", form.action or address, written(form.with_word(name, word)))
    assert fields > 150
    teller.done(f"forms-{each}", fields=fields)


def forms(teller: Teller) -> Iterator[tuple[str, Form]]:
    """Every form that a page shows to who leads the house, with the page's address."""
    seen = set()
    for route, row in table.rows():
        if row.method == "GET" and row.door["root"] == OPENS and not route.startswith("api/"):
            address = address_of(route, row, known_of(teller.crowd, route))
            page = teller.ask(teller.crowd.browser("root"), "GET", address)
            if not page.headers.get("Content-Type", "").startswith("text/html"):
                continue
            for form in Page(page.content.decode()).forms:
                if form.method == "post" and form.key not in seen and "logout" not in form.action:
                    seen.add(form.key)
                    yield address, form


@EACH
def test_in_nothing_that_a_script_sends(teller: Teller, each: int) -> None:
    turns, fields = Turns(), 0
    for route, row in table.PAGES.items():
        for one in row:
            for name in one.sent if one.method == "POST" else ():
                fields += 1
                known = known_of(teller.crowd, route)
                filled = {key: str(value).format(**known) for key, value in one.sent.items()}
                for word in turns.some(each):
                    body = written([*(filled | {name: word}).items()])
                    teller.ask(teller.client_of(route, door=one.door), "POST", address_of(route, one, known), body)
    teller.done(f"sent-{each}", fields=fields)


@EACH
def test_in_nothing_that_the_api_takes(teller: Teller, each: int) -> None:
    described = teller.crowd.caller("root").get("/api/v1/openapi.json").json()
    turns, odd, fields = Turns(), Turns(ODD), 0
    for path, methods in described["paths"].items():
        for method, said in methods.items():
            address = path.replace("{item_id}", str(teller.crowd.note.public_id))
            content = said.get("requestBody", {}).get("content", {}).get("application/json")
            whole = example(content["schema"], described) if content else None
            places = list(leaves(whole)) if content else []
            fields += len(places)
            for place in places:
                for word in (*turns.some(each), *odd.some(each)):
                    body = json.dumps(put(whole, place, word))
                    teller.ask(teller.crowd.caller("root"), method.upper(), address, body, "application/json")
            for parameter in said.get("parameters", []):
                fields += 1
                for word in turns.some(each):
                    pair = written([(parameter["name"], word), (f"{parameter['name']}[]", word)])
                    odd_one = path.replace("{item_id}", written([("", word)])[1:])
                    asked = odd_one if parameter["in"] == "path" else f"{address}?{pair}"
                    teller.ask(teller.crowd.caller("root"), method.upper(), asked)
    assert fields > 60
    teller.done(f"api-{each}", fields=fields)


def example(schema: dict[str, Any], described: dict[str, Any]) -> Any:
    """A value of this shape, as full as can be."""
    if "$ref" in schema:
        return example(described["components"]["schemas"][schema["$ref"].rpartition("/")[2]], described)
    if choices := schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf"):
        return example(choices[0], described)
    if "enum" in schema or "const" in schema:
        return schema.get("const", schema.get("enum", [""])[0])
    match schema.get("type"):
        case "object":
            return {name: example(one, described) for name, one in schema.get("properties", {}).items()}
        case "array":
            return [example(schema.get("items", {}), described)]
    plain = {"integer": 1, "number": 0.5, "boolean": True}
    return plain.get(schema.get("type", ""), "a")


def leaves(value: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The ways to everything in a value, whole parts included."""
    if before:
        yield before
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield from leaves(inner, (*before, key))


def put(value: Any, place: tuple[Any, ...], word: object) -> Any:
    """The value with something else at that place."""
    if not place:
        return word
    key, *rest = place
    if isinstance(value, dict):
        # Of what excludes each other the rest is left out in turn, so that the word is looked at.
        return {**value, key: put(value[key], tuple(rest), word)}
    return [put(one, tuple(rest), word) if number == key else one for number, one in enumerate(value)]


def test_what_was_written_is_shown_as_text_wherever_it_is_shown(teller: Teller) -> None:
    crowd = teller.crowd
    alice, place = crowd.user("alice"), made.place(crowd.user("alice"), crowd.team)
    User.objects.filter(pk=alice.pk).update(username=MARKUP[:150], first_name=MARKUP[:150])
    Team.objects.filter(pk=crowd.team.pk).update(name=MARKUP[:100])
    Token.objects.update(name=MARKUP[:100])
    Collection.objects.filter(team=crowd.team, purpose="normal").update(
        name=Concat(Cast("id", CharField()), Value(MARKUP[:80]))
    )
    Job.objects.update(state=State.DEAD, last_error=MARKUP, attempts=3, finished_at=timezone.now())
    note = made.note(place, f"{MARKUP}\n\n{LINK}", MARKUP)
    for item in (note, crowd.picture, crowd.note):
        tags.set_all(item, [MARKUP[:90], LINK[:90]])
    Item.objects.filter(team=crowd.team).update(title=MARKUP[:255])
    edits.set_caption(crowd.picture, MARKUP, scope=crowd.scope)
    edits.set_text(crowd.picture, MARKUP, scope=crowd.scope)
    shown = 0
    for route, row in table.rows():
        if row.method == "GET" and row.door["root"] == OPENS:
            address = address_of(route, row, known_of(crowd, route))
            for query in ("", f"?{written([('q', MARKUP)])}", "?q=img"):
                text = teller.ask(teller.client_of(route), "GET", address + query).getvalue().decode("utf-8", "replace")
                shown += "&lt;img src=x onerror=alert(1)&gt;" in text
    assert shown > 50
    teller.done("shown", pages_with_payloads=shown)


def test_bodies_that_are_none(teller: Teller) -> None:
    for path in ("items", "search", "collections", "ask", "judgements", "jobs/retry"):
        for kind, body in product(KINDS, BODIES):
            teller.ask(teller.crowd.caller("root"), "POST", f"/api/v1/{path}", body, kind)
    teller.done("bodies")

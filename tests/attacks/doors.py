"""Each door of the site: who is let in by it, and what the others are told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.attacks.crowd import EVERYBODY

OPENS, SIGN_IN = "opens", "sign in"
Told = str | int
"""What somebody is told at a door: that it opens, to sign in, or a status."""
MEMBERS = dict.fromkeys(EVERYBODY, OPENS) | {"nobody": SIGN_IN, "gone": SIGN_IN, "nell": 403}
ITEM = MEMBERS | {"charlie": 404, "cora": 404}
REST = ("vera", "bob", "alice", "sue", "root", "charlie", "cora")


def _but(told: Mapping[str, Told], status: Told, *names: str) -> dict[str, Told]:
    return dict(told) | dict.fromkeys(names, status)


DOORS: dict[str, Mapping[str, Told]] = {
    "everybody": dict.fromkeys(EVERYBODY, OPENS),
    "signed out": _but(dict.fromkeys(EVERYBODY, 302), OPENS, "nobody", "gone"),
    "signed in": _but(dict.fromkeys(EVERYBODY, OPENS), SIGN_IN, "nobody", "gone"),
    "signs out": dict.fromkeys(EVERYBODY, SIGN_IN),
    "nothing": dict.fromkeys(EVERYBODY, 404),
    # Pages of the team that one works in: a stranger gets those of the own team.
    "member": MEMBERS,
    "maker": _but(MEMBERS, 403, "vera"),
    "leader": _but(MEMBERS, 403, "vera", "bob", "sue"),
    "staff": _but(MEMBERS, 403, "vera", "bob", "alice", "charlie"),
    "house": _but(MEMBERS, 403, "vera", "bob", "alice", "charlie", "cora", "sue"),
    # What is the garden's: to strangers it is not there.
    "item": ITEM,
    "edit": _but(ITEM, 403, "vera"),
    "restore": _but(ITEM, 404, "vera"),
    "delete": _but(ITEM, 404, "vera") | {"bob": 403, "sue": 403, "root": 403},
    "alice's": _but(_but(MEMBERS, 404, *REST), OPENS, "alice"),
    "file": _but(ITEM, 404, "nell"),
    "restorable file": _but(ITEM, 404, "nell", "vera"),
    "alice's file": _but(_but(MEMBERS, 404, "nell", *REST), OPENS, "alice"),
    # A script is told without a page.
    "upload": _but(MEMBERS, 401, "nobody", "gone") | {"vera": 403},
    "alice's upload": _but(_but(MEMBERS, 404, *REST), 401, "nobody", "gone") | {"alice": OPENS},
    # By token. Those of gone and nell have lost what they were made for.
    "token": _but(MEMBERS, 401, "nobody", "gone", "nell"),
    "token item": _but(ITEM, 401, "nobody", "gone", "nell"),
    "token edit": _but(ITEM, 401, "nobody", "gone", "nell") | {"vera": 403},
    "token maker": _but(MEMBERS, 401, "nobody", "gone", "nell") | {"vera": 403},
    "token staff": _but(_but(MEMBERS, 401, "nobody", "gone", "nell"), 403, "vera", "bob", "alice", "charlie"),
    "token house": _but(_but(MEMBERS, 401, "nobody", "gone", "nell"), 403, *REST) | {"root": OPENS},
    "token leader": _but(_but(MEMBERS, 401, "nobody", "gone", "nell"), 403, "vera", "bob", "sue"),
    # The admin sends whoever is not of staff to the sign-in page.
    "admin": _but(dict.fromkeys(EVERYBODY, SIGN_IN), OPENS, "cora", "sue", "root"),
    "admin sign in": _but(dict.fromkeys(EVERYBODY, 403), OPENS, "cora", "sue", "root")
    | {"nobody": SIGN_IN, "gone": SIGN_IN},
    "admin sign out": _but(dict.fromkeys(EVERYBODY, 302), SIGN_IN, "cora", "sue", "root"),
    "admin item": _but(dict.fromkeys(EVERYBODY, SIGN_IN), OPENS, "sue", "root") | {"cora": 404},
    "admin nothing": _but(dict.fromkeys(EVERYBODY, SIGN_IN), 404, "cora", "sue", "root"),
}


@dataclass(frozen=True)
class Row:
    """One way to ask at an address: with what, by which door, and with which statuses it opens."""

    method: str
    door: Mapping[str, Told]
    opens: tuple[int, ...]
    sent: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    """Which thing a parameter of the address names, where it is not the note."""
    json: bool = False


def get(door: str, *opens: int, **how: Any) -> Row:
    """A page."""
    return Row("GET", DOORS[door], opens or (200,), **how)


def post(door: str, *opens: int, **how: Any) -> Row:
    """A form; what it sends may name things in braces."""
    return Row("POST", DOORS[door], opens or (302,), **how)


def call(method: str, door: str, *opens: int, **how: Any) -> Row:
    """A call of the API, with JSON."""
    return Row(method, DOORS[door], opens or (200,), json=method in ("POST", "PATCH"), **how)


def ask(method: str, door: str, opens: int, **how: Any) -> Row:
    """Any other way to ask."""
    return Row(method, DOORS[door], (opens,), **how)

"""The addresses of a search: the same question with something dropped, set, added or turned round."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse

FILTERS = ("kind", "collection", "tag", "by", "after", "before", "copies", "mode", "rerank", "instruct")
PLACE = ("cursor", "heads")
# What is wanted, and the parameter of the same that is not.
PICTURED = ("picture", "unpicture", "like", "unlike")
OTHER_WAY = {"picture": "unpicture", "unpicture": "picture", "like": "unlike", "unlike": "like"}
NEGATIVE = ("not",)
Lists = Iterable[tuple[str, Iterable[str]]]


def address(params: QueryDict, *, drop: tuple[str, ...] = (), **change: str) -> str:
    """Return the search's address with some parameters dropped or set."""
    left = [(name, values) for name, values in params.lists() if name not in drop and name not in change]
    return of([*left, *((name, [value]) for name, value in change.items())])


def of(params: Lists) -> str:
    """Return the address of these parameters."""
    query = urlencode([(name, value) for name, values in params for value in values])
    return home() + (f"?{query}" if query else "")


@cache
def home() -> str:
    """Return the address of the search without a question."""
    return reverse("home")


def without(params: QueryDict, name: str, *dropped: str) -> str:
    """Return the address without some values of a parameter."""
    left = ((own, [one for one in values if own != name or one not in dropped]) for own, values in params.lists())
    return of((own, values) for own, values in left if own not in PLACE)


def adding(params: QueryDict, name: str, value: str) -> str:
    """Return the address with one value more."""
    more = params.copy()
    if value not in more.getlist(name):
        more.appendlist(name, value)
    return address(more, drop=PLACE)


def turned(params: QueryDict, name: str, *values: str) -> str:
    """Return the address in which what is to be near to is to be away from, or the other way round."""
    more = params.copy()
    more.setlist(name, [one for one in params.getlist(name) if one not in values])
    more.appendlist(OTHER_WAY[name], values[0])
    return address(more, drop=PLACE)


def with_words(params: QueryDict, words: str) -> str:
    """Return the address with other words in the box; texts beside them stay."""
    more = params.copy()
    more.setlist("q", [one for one in (words, *params.getlist("q")[1:]) if one])
    return address(more, drop=PLACE)

"""What the box offers while somebody types: their own visible titles and tags, and the values of fields.

Titles that begin so come first, then those with a word that does, then words that are nearly so. Nothing is offered
that the person could not list: each statement looks within the scope alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, LiteralString

from django.db import OperationalError, connection, transaction
from psycopg.errors import QueryCanceled

from searchsite.indexing import settings
from searchsite.library.models import Collection
from searchsite.library.scope import Scope
from searchsite.library.wording import CONTROLS, clean_text, normalise_tag
from searchsite.search import fields, grammar, spelling
from searchsite.search.tokens import QUOTES
from searchsite.search.wrong import BadQuestion

MOST, MOST_TAGS, MOST_CHARS = 8, 3, 200
# Longest that one of the statements may take; what was found before it is offered then.
MOST_MILLISECONDS = 150
SHORTEST, SHORTEST_NEAR = 2, 4
WORD = re.compile(r"\w+")
# The field that is being written, at the end of the words.
WRITING = re.compile(
    r'(?P<before>.*?)(?P<dash>-?)\b(?P<name>tag|in|by|kind|type):(?P<value>"[^"]*|[^\s"]*)$', re.I | re.S
)
KINDS = ("photo", "screenshot", "text")
# Each collection's index has its titles in order, so each is asked for a few.
BEGINNING: LiteralString = """
SELECT DISTINCT ON (upper(title)) title FROM unnest(%(scope)s::bigint[]) AS place CROSS JOIN LATERAL (
    SELECT title FROM item WHERE collection_id = place AND upper(title) LIKE upper(%(beginning)s)
    ORDER BY upper(title) USING ~<~ LIMIT 32
) AS own ORDER BY upper(title) LIMIT %(most)s
"""
WITH_WORD: LiteralString = """
SELECT DISTINCT title FROM (
    SELECT title FROM item WHERE title_search @@ to_tsquery('searchsite', %(words)s)
        AND collection_id = ANY(%(scope)s::bigint[]) LIMIT 200
) AS own ORDER BY title LIMIT %(most)s
"""
TAGS: LiteralString = """
SELECT tag.name FROM tag WHERE tag.team_id = %(team)s
    AND (tag.name LIKE %(beginning)s OR tag.name LIKE %(within)s) AND (
        SELECT true FROM item_tag JOIN item ON item.id = item_tag.item_id
        WHERE item_tag.tag_id = tag.id AND item.collection_id = ANY(%(scope)s::bigint[]) LIMIT 1)
ORDER BY tag.name LIKE %(beginning)s DESC, length(tag.name), tag.name LIMIT %(most)s
"""
# Not EXISTS: that would be joined, which walks through all items.
PEOPLE: LiteralString = """
SELECT username FROM user_account WHERE upper(username) LIKE upper(%(beginning)s) AND (
    SELECT true FROM item WHERE item.created_by_id = user_account.id AND item.collection_id = ANY(%(scope)s::bigint[])
    LIMIT 1)
ORDER BY username LIMIT %(most)s
"""


@dataclass(frozen=True)
class Suggestion:
    """What is offered. kind: title, tag, or the field whose value it is. query: the words of the box with it."""

    kind: str
    text: str
    query: str


def suggest(text: str, scope: Scope) -> list[Suggestion]:
    """What the words typed so far may become; at most MOST, each once."""
    text = CONTROLS.sub(" ", clean_text(text[: MOST_CHARS + 1])).translate(QUOTES).lstrip()
    if len(text) > MOST_CHARS or not scope.collection_ids:
        return []
    writing = WRITING.fullmatch(text)
    if writing is None and (len(text.strip()) < SHORTEST or text.count('"') % 2):
        return []
    offered: dict[str, Suggestion] = {}
    try:
        with transaction.atomic(), settings.locally("statement_timeout", str(MOST_MILLISECONDS)):
            for one in _values(writing, scope) if writing else _offered(text, scope):
                offered.setdefault(f"{one.kind} {one.text.upper()}", one)
                if len(offered) >= MOST:
                    break
    except OperationalError as error:
        if not isinstance(error.__cause__, QueryCanceled):
            raise
    return list(offered.values())


def _offered(text: str, scope: Scope) -> Iterator[Suggestion]:
    values: dict[str, Any] = {"scope": list(scope.collection_ids), "team": scope.team_id, "most": MOST}
    stripped = " ".join(text.split())
    titles = _ask(BEGINNING, values | {"beginning": _like(stripped) + "%"})
    yield from _titles(titles[: MOST - 2])
    last = stripped.rpartition(" ")[2]
    yield from _tags(stripped, last, values)
    yield from _titles(titles[MOST - 2 :])
    words = WORD.findall(stripped)
    if not words or len(words[-1]) < SHORTEST:
        return
    having = _ask(WITH_WORD, values | {"words": _tsquery(words)})
    yield from _titles(having)
    if titles or having or len(last) < SHORTEST_NEAR or not last.isalpha():
        return
    if near := spelling.nearest(last, scope):
        yield from _titles(_ask(WITH_WORD, values | {"words": _tsquery([*words[:-1], near])}))
        yield from _tags(f"{stripped.removesuffix(last)}{near}", near, values)


def _tags(text: str, last: str, values: dict[str, Any]) -> Iterator[Suggestion]:
    """Tags that go on as the last word does; all before it stays."""
    name = _like(normalise_tag(last.lstrip("#")))
    if len(name) < SHORTEST or last.startswith(("-", '"', "(")):
        return
    for found in _ask(TAGS, values | {"beginning": f"{name}%", "within": f"% {name}%", "most": MOST_TAGS}):
        yield Suggestion("tag", found, f"{text.removesuffix(last)}tag:{_quoted(found)}")


def _titles(titles: Iterable[str]) -> Iterator[Suggestion]:
    for title in titles:
        yield Suggestion("title", title, _literal(title))


def _values(found: re.Match[str], scope: Scope) -> Iterator[Suggestion]:
    name, value = found["name"].lower(), found["value"].removeprefix('"')
    name = fields.NAMES[name]
    before = f"{found['before']}{found['dash']}{name}:"
    for one in _values_of(name, value, scope):
        yield Suggestion(name, one, f"{before}{_quoted(one)}")


def _values_of(name: str, value: str, scope: Scope) -> Iterable[str]:
    values: dict[str, Any] = {"scope": list(scope.collection_ids), "team": scope.team_id, "most": MOST}
    if name == "kind":
        return (kind for kind in KINDS if kind.startswith(value.lower()))
    if name == "tag":
        tag = _like(normalise_tag(value))
        return _ask(TAGS, values | {"beginning": f"{tag}%", "within": f"% {tag}%"})
    if name == "by":
        return _ask(PEOPLE, values | {"beginning": f"{_like(value)}%"})
    places = Collection.objects.filter(pk__in=scope.collection_ids).only("name", "purpose").order_by("name")
    folded = value.casefold()
    named = [one.name for one in places if folded in f"{one.name} {one.shown_name}".casefold()]
    return sorted(named, key=lambda one: not one.casefold().startswith(folded))


def _ask(statement: LiteralString, values: dict[str, Any]) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return [row[0] for row in cursor.fetchall()]


def _like(text: str) -> str:
    return re.sub(r"([\\%_])", r"\\\1", text)


def _tsquery(words: Iterable[str]) -> str:
    """All of the words, the last of which may go on. Words are letters, digits and underscores alone."""
    return " & ".join(f"'{word}'" for word in words) + ":*"


def _quoted(value: str) -> str:
    """A field's value, in quotes where it would end too early."""
    value = value.replace('"', " ")
    return f'"{value}"' if re.search(r"[\s()]", value) else value


def _literal(title: str) -> str:
    """A title as words that are looked for; in quotes where it would be read as grammar."""
    plain = title.translate(QUOTES)
    try:
        reading = grammar.read(plain)
        if not reading.conditions and not reading.notes and reading.words == plain and '"' not in plain:
            return title
    except BadQuestion:
        pass
    return '"' + " ".join(plain.replace('"', " ").split()) + '"'

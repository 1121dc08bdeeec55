"""The value of a field that has blanks and was written without quotes: `in:sample library`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import LiteralString

from django.db import connection

from searchsite.library.scope import Scope
from searchsite.library.wording import normalise_tag
from searchsite.search import naming
from searchsite.search.tokens import QUOTES, Token, tokens

MOST_JOINED, MOST_FIELDS = 2, 4
TAGS: LiteralString = """
SELECT tag.name FROM tag WHERE tag.team_id = %(team)s AND tag.name = ANY(%(names)s::text[]) AND (
    SELECT true FROM item_tag JOIN item ON item.id = item_tag.item_id
    WHERE item_tag.tag_id = tag.id AND item.collection_id = ANY(%(scope)s::bigint[]) LIMIT 1)
"""


def joined(text: str, scope: Scope) -> str:
    """The text with the words after a collection's or a tag's name within its quotes, where nothing visible has the
    name and something has the longer one; "" where there is none.
    """
    plain = text.translate(QUOTES)
    taken = list(tokens(plain))
    fields = [at for at, token in enumerate(taken) if token.kind in ("in", "tag")][:MOST_FIELDS]
    changed = plain
    # From the end on, so that the places before stay what they are.
    for at in reversed(fields):
        token, following = taken[at], _following(taken[at + 1 :])
        if following and (found := _longer(token, following, scope)):
            most, name = found
            end = following[most - 1].end
            changed = f'{changed[: token.start]}{"-" * token.negated}{token.kind}:"{name}"{changed[end:]}'
    return changed if changed != plain else ""


def _following(after: Iterable[Token]) -> list[Token]:
    """The words after a field, until something else comes."""
    found: list[Token] = []
    for token in after:
        is_word = token.kind == "word" and token.closed and not (token.negated or token.parted)
        if not is_word or token.text in ("AND", "OR") or len(found) == MOST_JOINED:
            break
        found.append(token)
    return found


def _longer(token: Token, following: Sequence[Token], scope: Scope) -> tuple[int, str] | None:
    """How many words more make the longest name that is there, and the name; None where there is none, or where the one
    that was written is.
    """
    folded = str.casefold if token.kind == "in" else normalise_tag
    counts = range(len(following) + 1)
    names = [folded(" ".join([token.text, *(word.text for word in following[:most])])) for most in counts]
    there = _collections(scope) if token.kind == "in" else _tags(names, scope)
    if names[0] in there:
        return None
    return next(((most, there[names[most]]) for most in reversed(counts) if names[most] in there), None)


def _collections(scope: Scope) -> dict[str, str]:
    """What the visible collections are called, by their folded names: as they are stored and as they are shown."""
    called = [name for one in naming.places(scope.collection_ids) for name in (one.name, one.shown_name)]
    return {name.casefold(): name for name in called if '"' not in name.translate(QUOTES)}


def _tags(names: Sequence[str], scope: Scope) -> dict[str, str]:
    """Those of these tags that something visible has."""
    with connection.cursor() as cursor:
        cursor.execute(TAGS, {"names": list(names), "team": scope.team_id, "scope": list(scope.collection_ids)})
        return {name: name for (name,) in cursor.fetchall() if '"' not in name.translate(QUOTES)}

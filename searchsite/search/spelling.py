"""Spelling help: a word that nothing visible has, and the word of the visible titles and tags that it may be.

A word is offered only from titles and tags within the scope, so that nothing is told of what is not visible.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, LiteralString

from django.db import OperationalError, connection, transaction
from psycopg.errors import QueryCanceled

from searchsite.indexing import settings
from searchsite.library.scope import Scope
from searchsite.search import grammar
from searchsite.search.pace import Budget
from searchsite.search.tokens import QUOTES

SHORTEST, LONGEST, LONG, HALF = 4, 40, 6, 3
# Looking for a near word may take so long; then nothing is offered.
MOST_SECONDS = 0.2
MOST_WORDS, MOST_CANDIDATES = 4, 100
LEAST_SIMILAR = 0.35
WORD = re.compile(r"[^\W\d_]+")
KNOWN: LiteralString = """
SELECT word FROM unnest(%(words)s::text[]) AS word
WHERE EXISTS (SELECT FROM item WHERE title_search @@ plainto_tsquery('searchsite', word)
        AND collection_id = ANY(%(scope)s::bigint[]))
    OR EXISTS (SELECT FROM part JOIN item ON item.id = part.item_id
        WHERE part.search @@ plainto_tsquery('searchsite', word) AND item.collection_id = ANY(%(scope)s::bigint[]))
    OR numnode(plainto_tsquery('searchsite', word)) = 0
"""
# One letter that is wrong leaves the other half as it is, and a half is what the index of trigrams finds quickly. Each
# arm stops at its limit: ordering all would look at every title with a common half. Where two letters changed places,
# neither half may be left: what may be meant is looked up as words, all in one go, as each look reads all that is not
# yet sorted into the index. MATERIALIZED keeps the plan from knowing how many words these are, and the limit: it would
# rather walk through all titles. With any other letter they would be hundreds, which takes a second.
NEAR: LiteralString = """
WITH asked AS MATERIALIZED (
    SELECT to_tsquery('searchsite', %(meant)s) AS query
), meant AS MATERIALIZED (
    SELECT title FROM asked JOIN item ON title_search @@ query AND collection_id = ANY(%(scope)s::bigint[])
)
(SELECT title FROM meant LIMIT %(most)s)
UNION ALL
(SELECT title FROM item WHERE upper(title) LIKE upper(%(first)s) AND word_similarity(%(word)s, title) >= %(least)s
    AND collection_id = ANY(%(scope)s::bigint[]) LIMIT %(most)s)
UNION ALL
(SELECT title FROM item WHERE upper(title) LIKE upper(%(second)s) AND word_similarity(%(word)s, title) >= %(least)s
    AND collection_id = ANY(%(scope)s::bigint[]) LIMIT %(most)s)
UNION ALL
(SELECT tag.name FROM tag WHERE tag.team_id = %(team)s AND (
    word_similarity(%(word)s, tag.name) >= %(least)s OR string_to_array(tag.name, ' ') && %(variants)s::text[]
 ) AND (
    SELECT true FROM item_tag JOIN item ON item.id = item_tag.item_id
    WHERE item_tag.tag_id = tag.id AND item.collection_id = ANY(%(scope)s::bigint[]) LIMIT 1)
 LIMIT %(most)s)
"""


def corrected(text: str, seen: Iterable[str], scope: Scope, budget: Budget) -> str:
    """The words of a question with those put right that nothing visible has; "" where there is nothing to put right.

    seen: texts of what was found, whose words need not be looked up. Quotes, fields, what is left out, and everything
    with digits stay as they are. budget: the time for it.
    """
    plain = text.translate(QUOTES)
    words = _plain_words(plain)
    if words:
        there = {word.casefold() for one in seen for word in WORD.findall(one)}
        words = [word for word in words if not _is_among(word.casefold(), there)][:MOST_WORDS]
    own = Budget(MOST_SECONDS, budget)
    if not words or own.is_over:
        return ""
    instead = {}
    try:
        with transaction.atomic(), settings.locally("statement_timeout", own.milliseconds):
            for word in _unknown(words, scope):
                own.apply()
                if near := nearest(word, scope):
                    instead[word] = near
    except OperationalError as error:
        if not isinstance(error.__cause__, QueryCanceled):
            raise
        return ""
    return _replaced(plain, instead) if instead else ""


def nearest(word: str, scope: Scope) -> str:
    """The word of the visible titles and tags that this one may be meant for; "" where none is near enough.

    Raises OperationalError where it takes longer than the transaction allows.
    """
    folded = word.casefold()
    values: dict[str, Any] = {"word": word, "scope": list(scope.collection_ids), "team": scope.team_id}
    half = max(HALF, len(word) // 2)
    values |= {"first": f"%{word[:half]}%", "second": f"%{word[-half:]}%", "variants": variants(folded)}
    values["meant"] = " | ".join(f"'{one}'" for one in values["variants"])
    with connection.cursor() as cursor:
        cursor.execute(NEAR, values | {"most": MOST_CANDIDATES, "least": LEAST_SIMILAR})
        texts = [row[0] for row in cursor.fetchall()]
    counts: dict[str, int] = {}
    for text in texts:
        for found in WORD.findall(text):
            counts[found.casefold()] = counts.get(found.casefold(), 0) + 1
    most = 2 if len(folded) >= LONG else 1
    near = [
        (distance, -number, found)
        for found, number in counts.items()
        if found != folded and len(found) >= SHORTEST and (distance := edits(folded, found, most)) <= most
    ]
    return min(near)[2] if near else ""


def variants(word: str) -> list[str]:
    """What a word becomes by two neighbours that change places, or by a letter less."""
    swapped = (word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in range(len(word) - 1))
    shorter = (word[:at] + word[at + 1 :] for at in range(len(word)))
    return [one for one in dict.fromkeys((*swapped, *shorter)) if one != word and len(one) >= SHORTEST]


def edits(one: str, other: str, most: int) -> int:
    """How many letters are to be changed, added, left out or swapped with their neighbour; beyond `most`, most + 1."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for at, letter in enumerate(one, start=1):
        last, before, row = before, row, [at, *[0] * len(other)]
        for to, another in enumerate(other, start=1):
            row[to] = min(before[to] + 1, row[to - 1] + 1, before[to - 1] + (letter != another))
            if at > 1 and to > 1 and letter == other[to - 2] and one[at - 2] == another:
                row[to] = min(row[to], last[to - 2] + 1)
    return min(row[-1], most + 1)


def _plain_words(text: str) -> list[str]:
    """Words to be looked for as they are: letters alone, and neither quoted, left out nor a field's value."""
    found = dict.fromkeys(word.text for word in grammar.words_of(text))
    return [word for word in found if SHORTEST <= len(word) <= LONGEST and WORD.fullmatch(word)]


def _is_among(word: str, there: set[str]) -> bool:
    """Whether a word is there, perhaps with a longer or shorter ending."""
    return any(len(other) >= SHORTEST and (word.startswith(other) or other.startswith(word)) for other in there)


def _unknown(words: Sequence[str], scope: Scope) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(KNOWN, {"words": list(words), "scope": list(scope.collection_ids)})
        known = {row[0] for row in cursor.fetchall()}
    return [word for word in words if word not in known]


def _replaced(text: str, instead: dict[str, str]) -> str:
    """The text with these words exchanged, outside of quotes and of fields."""
    outside = text.split('"')
    pattern = re.compile(r"(?<![\w:\-])(" + "|".join(map(re.escape, instead)) + r")(?![\w:])")
    outside[::2] = [pattern.sub(lambda found: instead[found[0]], piece) for piece in outside[::2]]
    changed = '"'.join(outside)
    return changed if changed != text else ""

"""How many parts and titles have a word, as Postgres guesses; it knows the thousand commonest of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from time import monotonic
from typing import LiteralString

from searchsite.indexing import tables

KEPT_SECONDS = 60.0
LEXEMES: LiteralString = "SELECT tsvector_to_array(to_tsvector('searchsite', %(words)s))"
# The frequencies have a few more numbers at their end, of which no word is told.
COUNTS: LiteralString = """
SELECT word, sum(share * greatest(reltuples, 0))::float8 FROM (
    SELECT pg_class.reltuples, unnest(most_common_elems::text::text[]) AS word, unnest(most_common_elem_freqs) AS share
    FROM pg_stats JOIN pg_class ON pg_class.oid = to_regclass(pg_stats.tablename)
    WHERE schemaname = current_schema AND (tablename, attname) IN (('part', 'search'), ('item', 'title_search'))
) AS known WHERE word IS NOT NULL GROUP BY word
"""


def lexemes(text: str) -> list[str]:
    """The words of a text as full text knows them, each once."""
    with tables.cursor() as cursor:
        row = cursor.execute(LEXEMES, {"words": text}, prepare=True).fetchone()
    return list(row[0]) if row else []


def counts(words: Iterable[str]) -> dict[str, float]:
    """How often each word is there, over all teams; 0 where it is not among the commonest."""
    known = _known(int(monotonic() / KEPT_SECONDS))
    return {word: known.get(word, 0.0) for word in words}


@lru_cache(maxsize=1)
def _known(_moment: int) -> Mapping[str, float]:
    with tables.cursor() as cursor:
        return {word: float(number) for word, number in cursor.execute(COUNTS).fetchall()}

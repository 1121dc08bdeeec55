"""Words within bounds: full text, exact text in quotes, parts of words; never more than a cap is ranked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import accumulate
from typing import Any, LiteralString, NamedTuple

from psycopg import sql

from searchsite.indexing import tables
from searchsite.search import columns, commonness
from searchsite.search.bounds import ITEM, Bounds
from searchsite.search.vectors import DEPTH, Near

MOST_MATCHES = 2000
ENOUGH = 10
MOST_PATTERNS = 8
TITLE_WEIGHT = 2.0
QUOTED = re.compile(r'"([^"]*)"')
# What is left out was taken from the words before; full text would read it as that, once more.
LEADING_DASHES = re.compile(r"(?<!\w)-+")
# Tags that no person put there or kept: whoever typed one of an item's tags has looked at them.
GUESSED: LiteralString = """is_tags AND NOT EXISTS (
    SELECT FROM item_tag WHERE item_tag.item_id = found.item_id AND item_tag.source = 'person')"""
# Ranking costs some microseconds a match, so a common word must not match everything: hence the cap.
MATCHES: LiteralString = """
WITH matched AS MATERIALIZED (
    (SELECT item.id AS item_id, part.id AS part_id, item.created_at, part.role = 'tags' AS is_tags, <part_rank> AS rank
     FROM part JOIN item ON item.id = part.item_id WHERE <part_matches> AND <bounds> LIMIT %(cap)s)
    UNION ALL
    (SELECT item.id, NULL, item.created_at, false, %(title_weight)s::float8 * <title_rank>
     FROM item WHERE <title_matches> AND <bounds> LIMIT %(cap)s)
)
SELECT item_id, part_id, created_at, 1.0::float8, <guessed>, 1.0::float8
FROM matched AS found ORDER BY rank DESC, item_id DESC, part_id LIMIT %(depth)s
""".replace("<guessed>", GUESSED)
# A word that few of the items have says more than one that many have, and an item counts by the words that it has
# anywhere: in its title, its tags, or several passages. A part with many of them, or short, goes first among equals.
# What few have would not be among the first that have any of the words: a few are looked up of each rare word, besides.
# Words that found nothing, as too much would have to be read, are commoner than those that did: they weigh no more.
# Joined to nothing, a long list of words is unpacked once and not for each word of the question.
WEIGHED: LiteralString = """
WITH asked AS MATERIALIZED (
    SELECT lexeme, quote_literal(lexeme)::tsquery AS query FROM unnest(%(lexemes)s::text[]) AS lexeme
), matched AS MATERIALIZED (
    SELECT DISTINCT ON (item_id, part_id) * FROM (
        (SELECT item.id AS item_id, part.id AS part_id, item.created_at, part.role = 'tags' AS is_tags,
            part.search || ''::tsvector AS words
         FROM part JOIN item ON item.id = part.item_id WHERE part.search @@ %(any)s::tsquery AND <bounds> LIMIT %(cap)s)
        UNION ALL
        (SELECT item.id, NULL, item.created_at, false, item.title_search
         FROM item WHERE item.title_search @@ %(any)s::tsquery AND <bounds> LIMIT %(cap)s)
        UNION ALL
        SELECT few.* FROM unnest(%(rare)s::text[]) AS rare CROSS JOIN LATERAL (
            (SELECT item.id, part.id, item.created_at, part.role = 'tags', part.search || ''::tsvector
             FROM part JOIN item ON item.id = part.item_id
             WHERE part.search @@ quote_literal(rare)::tsquery AND <bounds> LIMIT %(few)s)
            UNION ALL
            (SELECT item.id, NULL, item.created_at, false, item.title_search
             FROM item WHERE item.title_search @@ quote_literal(rare)::tsquery AND <bounds> LIMIT %(few)s)
        ) AS few
    ) AS found
), said AS MATERIALIZED (
    SELECT item_id, part_id, created_at, is_tags, lexeme, ts_rank(words, query, 1)::float8 AS rank
    FROM matched JOIN asked ON words @@ query
), counted AS (
    SELECT lexeme, count(item_id) > 0 AS is_there, ln(1 + (SELECT count(DISTINCT item_id) FROM said)::float8
        / greatest(count(DISTINCT item_id), 0.5)) AS weight
    FROM asked LEFT JOIN said USING (lexeme) GROUP BY lexeme
), rarity AS (
    SELECT lexeme, is_there, CASE WHEN is_read THEN weight
        ELSE least(weight, min(weight) FILTER (WHERE is_there AND is_read) OVER ()) END AS weight
    FROM (SELECT *, lexeme <> ALL(%(unread)s::text[]) AS is_read FROM counted) AS counted
), every AS (
    SELECT sum(weight) AS weight, sum(least(weight, (SELECT max(weight) FROM rarity WHERE is_there))) AS known
    FROM rarity
), best AS (
    SELECT item_id, lexeme, max(weight) AS weight, max(rank) AS rank, bool_and(is_tags) AS is_tags
    FROM said JOIN rarity USING (lexeme) GROUP BY 1, 2
), scored AS (
    SELECT item_id, sum(weight) / (SELECT weight FROM every) AS share, sum(weight) / (SELECT known FROM every) AS known,
        sum(weight * (1 + %(often)s::float8 * rank)) AS score, bool_and(is_tags) AS is_tags
    FROM best GROUP BY item_id
), shown AS (
    SELECT DISTINCT ON (item_id) item_id, part_id, created_at FROM said JOIN rarity USING (lexeme)
    GROUP BY item_id, part_id, created_at ORDER BY item_id, sum(weight) DESC, part_id NULLS LAST
)
SELECT found.item_id, part_id, created_at, share, <guessed>, known
FROM scored AS found JOIN shown ON shown.item_id = found.item_id
ORDER BY score DESC, found.item_id DESC LIMIT %(depth)s
""".replace("<guessed>", GUESSED)
# Words of a question that are weighed, in how many matches, and how much it counts that a word comes often, or in few
# others. To weigh a match costs ten times what it costs to rank one that has all the words.
MOST_WEIGHED, MOST_ANY, OFTEN = 24, 1000, 5.0
# To read where a word is costs some 0.1 us for each place: rare ones are looked up, and only so much of the others.
FEW_OF_EACH, RARE_UP_TO, MOST_READ, SMALL = 50, 5_000, 100_000, 5_000
ALL_WORDS: LiteralString = "websearch_to_tsquery('searchsite', %(words)s)"


def matching(text: str, bounds: Bounds) -> list[Near]:
    """What has the words, best first: all of them, else parts of words, else any of them."""
    return settled(near for some in attempts(text, bounds) for near in some)


def attempts(text: str, bounds: Bounds, *, before: Callable[[], None] = lambda: None) -> Iterator[list[Near]]:
    """What has all the words; until there is enough, what has parts of words, then what has any of them.

    What those before it found is there when one takes too long. before: called ahead of each.
    """
    text = LEADING_DASHES.sub("", text)
    if not text.strip():
        return
    items: set[int] = set()
    for attempt in (
        partial(_full_text, text, bounds),
        partial(_with_substrings, text, bounds),
        partial(_weighed, text, bounds),
    ):
        if len(items) < ENOUGH:
            before()
            found = attempt()
            items.update(near.item_id for near in found)
            yield found


def settled(found: Iterable[Near]) -> list[Near]:
    """What was found, guessed only where nothing but guessed tags has the words: of all that found an item."""
    every = list(found)
    said = {near.item_id for near in every if not near.guessed}
    return [near._replace(guessed=near.item_id not in said) for near in every]


def phrases_in(text: str) -> list[str]:
    """The texts in quotes."""
    found = (" ".join(phrase.split()) for phrase in QUOTED.findall(text))
    return [phrase for phrase in found if phrase]


class Literal(NamedTuple):
    """What has the first of some phrases; the items that have each for sure; and whether these are all such items."""

    found: list[Near]
    sure: set[int]
    every: bool


def containing(phrases: Iterable[str], bounds: Bounds, *, before: Callable[[], None] = lambda: None) -> Literal:
    """What has each phrase literally somewhere, case and accents aside. before: called ahead of each."""
    having = []
    for phrase in phrases:
        before()
        having.append(_literal(phrase, bounds))
    every = all(len(found) < MOST_MATCHES for found in having)
    return Literal(having[0], set.intersection(*({near.item_id for near in found} for found in having)), every)


def _full_text(text: str, bounds: Bounds) -> list[Near]:
    """What has all of the words."""
    statement = (
        MATCHES.replace("<part_matches>", "part.search @@ <asked>")
        .replace("<title_matches>", "item.title_search @@ <asked>")
        .replace("<part_rank>", "ts_rank(part.search, <asked>, 1)::float8")
        .replace("<title_rank>", "ts_rank(item.title_search, <asked>, 1)")
        .replace("<asked>", ALL_WORDS)
    )
    return _run(statement, {"words": text}, bounds, DEPTH)


def _weighed(text: str, bounds: Bounds) -> list[Near]:
    """What has any of the words, each counting by how rare it is among what was found.

    In a large library the rarer of many common words alone find something; what has them is weighed by all.
    """
    lexemes = commonness.lexemes(text)[:MOST_WEIGHED]
    if not lexemes:
        return []
    counts = commonness.counts(lexemes)
    unread = _unread(counts)
    # Few items are looked at each, whatever words they have.
    if unread and _expected(bounds) <= SMALL:
        unread = []
    rare = [lexeme for lexeme in lexemes if counts[lexeme] <= RARE_UP_TO]
    asked = _any_of(lexeme for lexeme in lexemes if lexeme not in unread)
    own = {"lexemes": lexemes, "any": asked, "rare": rare, "unread": unread, "often": OFTEN, "few": FEW_OF_EACH}
    own["cap"] = min(MOST_ANY, MOST_MATCHES)
    return _run(WEIGHED, own, bounds, DEPTH)


def _unread(counts: Mapping[str, float]) -> list[str]:
    """The commonest of the common words, from where on too much would have to be read; never all of those."""
    common = sorted((word for word in counts if counts[word] > RARE_UP_TO), key=counts.__getitem__)
    reads = list(accumulate(counts[word] for word in common))
    return [word for word, read in zip(common[1:], reads[1:], strict=True) if read > MOST_READ]


def _expected(bounds: Bounds) -> int:
    statement = "SELECT FROM item WHERE " + bounds.conditions(ITEM)
    return tables.expected(sql.SQL(statement), bounds.values)


def _any_of(lexemes: Iterable[str]) -> str:
    return " | ".join("'" + word.replace("\\", "\\\\").replace("'", "''") + "'" for word in lexemes)


def _with_substrings(text: str, bounds: Bounds) -> list[Near]:
    """What has each word as part of a word: "RE16" is in "RE16-2231". The trigram indexes need three letters."""
    tokens = sorted(set(re.findall(r"[^\s\"]+", text)), key=len, reverse=True)
    patterns = [columns.containing(token) for token in tokens if columns.INDEXED.search(token)][:MOST_PATTERNS]
    if not patterns:
        return []
    places = range(len(patterns))
    statement = (
        MATCHES.replace("<part_matches>", " AND ".join(_like("part.text", place) for place in places))
        .replace("<title_matches>", " AND ".join(_like("item.title", place) for place in places))
        .replace("<part_rank>", "1.0 / (20 + length(part.text))")
        .replace("<title_rank>", "(1.0 / (20 + length(item.title)))")
    )
    return _run(statement, {f"pattern{place}": patterns[place] for place in places}, bounds, DEPTH)


def _literal(phrase: str, bounds: Bounds) -> list[Near]:
    """An index finds candidates, by words or by trigrams; each is then compared."""
    has = columns.contains(phrase)
    statement = (
        MATCHES.replace("<part_matches>", has.replace("<search>", "part.search").replace("<text>", "part.text"))
        .replace("<title_matches>", has.replace("<search>", "item.title_search").replace("<text>", "item.title"))
        .replace("<part_rank>", "ts_rank(part.search, <phrase>, 1)::float8")
        .replace("<title_rank>", "(1 + ts_rank(item.title_search, <phrase>, 1))")
        .replace("<phrase>", "phraseto_tsquery('searchsite', %(phrase)s)")
    )
    return settled(_run(statement, {"phrase": phrase, "like": columns.containing(phrase)}, bounds, MOST_MATCHES))


def _like(column: LiteralString, place: int) -> LiteralString:
    names: tuple[LiteralString, ...] = ("0", "1", "2", "3", "4", "5", "6", "7")
    return "UPPER(" + column + ") LIKE UPPER(%(pattern" + names[place] + ")s)"


def _run(statement: LiteralString, values: dict[str, Any], bounds: Bounds, depth: int) -> list[Near]:
    """What a statement finds."""
    own = {"cap": MOST_MATCHES, "depth": depth, "title_weight": TITLE_WEIGHT} | values
    whole = statement.replace("<bounds>", bounds.conditions(ITEM))
    with tables.cursor() as cursor:
        rows = cursor.execute(whole, bounds.values | own, prepare=True, binary=True).fetchall()
    return [
        Near(item_id, part_id, created_at, None, float(share), guessed, float(known))
        for item_id, part_id, created_at, share, guessed, known in rows
    ]

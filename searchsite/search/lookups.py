"""Which items have a word, a text in quotes or a tag: each is looked up once for a question, in all teams' items.

What a person may see is asked elsewhere, in each statement that finds something.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, LiteralString

from django.db import OperationalError, transaction
from django.utils.translation import gettext as _
from psycopg.errors import QueryCanceled

from searchsite.indexing import settings, tables
from searchsite.search.columns import containing, contains
from searchsite.search.grammar import Filter, Phrase, Word
from searchsite.search.members import Members
from searchsite.search.pace import Budget
from searchsite.search.wrong import TooLong

TAGGED: LiteralString = """SELECT array_agg(tagged.id) FROM (
    SELECT item_tag.item_id AS id FROM item_tag JOIN tag ON tag.id = item_tag.tag_id
    WHERE tag.team_id = %(team)s AND tag.name = ANY(%(names)s::text[])
    GROUP BY item_tag.item_id HAVING count(*) = cardinality(%(names)s::text[])) AS tagged"""
ONE_TAG: LiteralString = """SELECT array_agg(item_tag.item_id) FROM item_tag JOIN tag ON tag.id = item_tag.tag_id
    WHERE tag.team_id = %(team)s AND tag.name = %(name)s"""
HAVING: LiteralString = """SELECT array_agg(found.id) FROM (
    SELECT part.item_id AS id FROM part WHERE <part> UNION ALL SELECT item.id FROM item WHERE <title>) AS found"""
SAYING: LiteralString = """SELECT word FROM unnest(%(words)s::text[]) AS word
    WHERE numnode(plainto_tsquery('searchsite', word)) > 0"""
Words = frozenset[str]


@dataclass
class Lookups:
    """What has been looked up for a team's question. All must be there in time."""

    team: int
    budget: Budget
    found: dict[object, Members] = field(default_factory=dict)

    @contextmanager
    def limited(self) -> Iterator[None]:
        """A transaction in which to look up. Raises TooLong: nothing is let in for that."""
        try:
            with transaction.atomic(), settings.locally("statement_timeout", self.budget.milliseconds):
                yield
        except OperationalError as error:
            if not isinstance(error.__cause__, QueryCanceled):
                raise
            raise TooLong(_("This question takes too long: ask with fewer conditions.")) from error

    def having(self, leaf: Word | Phrase | Filter) -> Members:
        """The items that have a word or a text in quotes somewhere, or a tag."""
        if isinstance(leaf, Word):
            return self.having_any([leaf])
        if leaf not in self.found:
            if isinstance(leaf, Phrase):
                values = {"phrase": leaf.text, "like": containing(leaf.text)}
                self.found[leaf] = self.read(_having(contains(leaf.text)), values)
            else:
                self.found[leaf] = self.read(ONE_TAG, {"team": self.team, "name": leaf.value})
        return self.found[leaf]

    def having_any(self, words: Iterable[Word]) -> Members:
        """The items that have one of the words somewhere: all are looked up in one go."""
        asked: Words = frozenset(word.text for word in words)
        if asked not in self.found:
            values = {f"word{at}": text for at, text in enumerate(sorted(asked))}
            query = " || ".join(f"plainto_tsquery('searchsite', %({name})s)" for name in values)
            self.found[asked] = self.read(_having(f"<search> @@ ({query})"), values)
        return self.found[asked]

    def having_all(self, tags: Sequence[str]) -> Members:
        """The items that have each of these tags, in a transaction of its own."""
        with self.limited():
            if len(tags) == 1:
                return self.read(ONE_TAG, {"team": self.team, "name": tags[0]})
            return self.read(TAGGED, {"team": self.team, "names": list(tags)})

    def saying_something(self, words: Iterable[str]) -> set[str]:
        """The words without those that full text leaves out, such as "the": nothing has them, and all do."""
        with tables.cursor() as cursor:
            return {word for (word,) in cursor.execute(SAYING, {"words": list(words)}).fetchall()}

    def read(self, statement: LiteralString, values: Mapping[str, Any]) -> Members:
        """The set that a statement gathers, within the time that is left."""
        self.budget.apply()
        with tables.cursor() as cursor:
            return Members.read(cursor.execute(statement, values, prepare=True, binary=True))


def _having(condition: LiteralString) -> LiteralString:
    part = condition.replace("<search>", "part.search").replace("<text>", "part.text")
    title = condition.replace("<search>", "item.title_search").replace("<text>", "item.title")
    return HAVING.replace("<part>", part).replace("<title>", title)

"""What a question's words demand of each hit, in SQL: `-word`, `field:value`, and groups of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from time import monotonic
from typing import Any

from django.db import OperationalError, connection, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from psycopg.errors import QueryCanceled

from searchsite.accounts.models import User
from searchsite.indexing import settings
from searchsite.library.models import Collection, Item
from searchsite.search import grammar
from searchsite.search.columns import FOLDED, ITEM, containing, midnight
from searchsite.search.grammar import Filter, Node, Not, Phrase, Word
from searchsite.search.wrong import BadQuestion, NotFound

SECONDS = 3.0
# Each <name> stands for a column: of items, or of a table of vectors.
COLUMN = {
    "kind": "<own>kind = {}",
    "in": "<own>collection_id = ANY({}::bigint[])",
    "by": "<by> IS NOT DISTINCT FROM {}",
    "after": "<own>created_at >= {}",
    "before": "<own>created_at < {}",
    "newer": "<own>created_at >= {}",
    "older": "<own>created_at < {}",
}
TAGGED = """<item> IN (SELECT item_tag.item_id FROM item_tag JOIN tag ON tag.id = item_tag.tag_id
    WHERE tag.team_id = %(team)s AND tag.name = {})"""
WORDED = """<item> IN (SELECT part.item_id FROM part WHERE part.search @@ ({0})
    UNION ALL SELECT titled.id FROM item AS titled WHERE titled.title_search @@ ({0}))"""
ONE_WORD = "plainto_tsquery('searchsite', {})"
# An index finds candidates, by words or by trigrams; each is then compared.
FOUND_IN = FOLDED.replace("<phrase>", "{phrase}")
QUOTED = f"""<item> IN (
    SELECT part.item_id FROM part WHERE (part.search @@ {{query}} OR UPPER(part.text) LIKE UPPER({{like}}))
        AND {FOUND_IN.replace("<text>", "part.text")} > 0
    UNION ALL SELECT titled.id FROM item AS titled
        WHERE (titled.title_search @@ {{query}} OR UPPER(titled.title) LIKE UPPER({{like}}))
        AND {FOUND_IN.replace("<text>", "titled.title")} > 0)"""
EMPTY = "SELECT word FROM unnest(%s::text[]) AS word WHERE numnode(plainto_tsquery('searchsite', word)) = 0"
MATCHING = "SELECT item.id FROM item WHERE item.collection_id = ANY(%(collections)s::bigint[]) AND {}"


@dataclass(frozen=True)
class Clause:
    """A condition on columns that are there in the item table and in the tables of vectors alike."""

    text: str
    values: tuple[tuple[str, Any], ...]

    def on(self, columns: Mapping[str, str]) -> str:
        """The condition on these columns. What people wrote is in its values alone."""
        named = self.text.replace("<item>", columns["item"]).replace("<by>", columns["by"])
        return named.replace("<own>", columns[""])


@dataclass(frozen=True)
class Met:
    """What meets all conditions: `clauses` hold, it is one of `only` (None: of all), and none of `without`."""

    clauses: tuple[Clause, ...] = ()
    only: tuple[int, ...] | None = None
    without: tuple[int, ...] = ()


def met(nodes: Iterable[Node], *, team: int, collections: tuple[int, ...], named: tuple[int, ...]) -> Met:
    """Find what the conditions leave in a team's collections. Raises BadQuestion, or NotFound for a collection.

    named: the collections that may be named, which are all that the person sees.

    Conditions on an item's own columns are checked where it is looked for. For the others the items are looked up once,
    for several statements ask: those that must be there, or, of what must not hold, those that must not.
    """
    clauses: list[Clause] = []
    asked: list[Node] = []
    kept_out: list[Node] = []
    for node in _that_say_something(nodes):
        if _on_columns(node):
            clauses.append(_Writer(team, named, f"c{len(clauses)}_").clause(node))
        elif isinstance(node, Not):
            kept_out.append(node.part)
        else:
            asked.append(node)
    if not asked and not kept_out:
        return Met(tuple(clauses))
    look = partial(_matching, team=team, collections=collections, named=named, until=monotonic() + SECONDS)
    try:
        with transaction.atomic():
            every = [look(node) for node in asked]
            without = set[int]().union(*(look(node) for node in _together(kept_out)))
    except OperationalError as error:
        if not isinstance(error.__cause__, QueryCanceled):
            raise
        raise BadQuestion(_("This question takes too long: ask with fewer conditions.")) from error
    only = tuple(sorted(set.intersection(*every))) if every else None
    return Met(tuple(clauses), only, tuple(sorted(without)))


def _on_columns(node: Node) -> bool:
    return all(isinstance(leaf, Filter) and leaf.field != "tag" for leaf in grammar.leaves(node))


def _together(nodes: Iterable[Node]) -> list[Node]:
    """Words are looked up in one go, the rest one by one: for one alone an index leads the way."""
    every = list(nodes)
    words = tuple(node for node in every if isinstance(node, Word))
    rest: list[Node] = [node for node in every if not isinstance(node, Word)]
    return [grammar.Any(words), *rest] if words else rest


def _that_say_something(nodes: Iterable[Node]) -> list[Node]:
    """The conditions without words that full text leaves out, such as "the": nothing has them, and all do."""
    every = list(nodes)
    words = {leaf.text for node in every for leaf in grammar.leaves(node) if isinstance(leaf, Word)}
    if words:
        with connection.cursor() as cursor:
            cursor.execute(EMPTY, [list(words)])
            words = {word for (word,) in cursor.fetchall()}
    return [left for node in every if (left := _without(node, words)) is not None]


def _without(node: Node, words: set[str]) -> Node | None:
    if isinstance(node, Word):
        return None if node.text in words else node
    if isinstance(node, Not):
        part = _without(node.part, words)
        return None if part is None else Not(part)
    if isinstance(node, grammar.All | grammar.Any):
        parts = tuple(left for part in node.parts if (left := _without(part, words)) is not None)
        return type(node)(parts) if parts else None
    return node


def _matching(node: Node, *, team: int, collections: tuple[int, ...], named: tuple[int, ...], until: float) -> set[int]:
    """Ids of the items that meet a condition; all of a question's are looked up by the same moment."""
    clause = _Writer(team, named, "m").clause(node)
    values = dict(clause.values) | {"collections": list(collections), "team": team}
    left = max(1, round((until - monotonic()) * 1000))
    with settings.locally("statement_timeout", str(left)), connection.cursor() as cursor:
        cursor.execute(MATCHING.format(clause.on(ITEM)), values)
        return {pk for (pk,) in cursor.fetchall()}


@dataclass
class _Writer:
    """Writes one condition, with names for its values that no other has."""

    team: int
    named: tuple[int, ...]
    prefix: str
    values: dict[str, Any] = field(default_factory=dict)

    def clause(self, node: Node) -> Clause:
        return Clause(self.written(node), tuple(self.values.items()))

    def written(self, node: Node) -> str:
        if isinstance(node, Not):
            return f"NOT ({self.written(node.part)})"
        if isinstance(node, grammar.All):
            return "(" + " AND ".join(map(self.written, node.parts)) + ")"
        if isinstance(node, grammar.Any):
            words = [part for part in node.parts if isinstance(part, Word)]
            rest = [self.written(part) for part in node.parts if not isinstance(part, Word)]
            return "(" + " OR ".join([*([self._worded(words)] if words else []), *rest]) + ")"
        if isinstance(node, Word):
            return self._worded([node])
        return self._quoted(node) if isinstance(node, Phrase) else self._filtered(node)

    def _worded(self, words: Iterable[Word]) -> str:
        return WORDED.format(" || ".join(ONE_WORD.format(self._named(word.text)) for word in words))

    def _quoted(self, node: Phrase) -> str:
        phrase = self._named(node.text)
        like = self._named(containing(node.text))
        return QUOTED.format(query=f"phraseto_tsquery('searchsite', {phrase})", like=like, phrase=phrase)

    def _filtered(self, node: Filter) -> str:
        if node.field == "tag":
            return TAGGED.format(self._named(node.value))
        name, value = self._resolved(node)
        return COLUMN[name].format(self._named(value))

    def _resolved(self, node: Filter) -> tuple[str, Any]:
        value = node.value
        if isinstance(value, timedelta):
            return "older" if value < timedelta(0) else "newer", _before_now(abs(value))
        if isinstance(value, date):
            return node.field, midnight(value)
        if node.field == "in":
            return "in", _named(value, self.named)
        if node.field == "by":
            return "by", self._somebody(str(value))
        return node.field, value

    def _somebody(self, name: str) -> int:
        """One who is in the team, or has put in something that may be seen: of others not even the name is told."""
        seen = Item.objects.filter(created_by=OuterRef("pk"), collection__in=self.named)
        known = User.objects.filter(Q(memberships__team=self.team) | Q(Exists(seen)), username__iexact=name)
        found = known.values_list("pk", flat=True).first()
        if found is None:
            raise NotFound(_("There is nobody called “%(name)s”.") % {"name": name})
        return found

    def _named(self, value: Any) -> str:
        name = f"{self.prefix}{len(self.values)}"
        self.values[name] = value
        return f"%({name})s"


def _before_now(span: timedelta) -> datetime:
    try:
        return timezone.now() - span
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC)


def _named(name: str, within: tuple[int, ...]) -> list[int]:
    """The collections of this name, as it is stored or as it is shown."""
    sought = name.casefold()
    places = Collection.objects.filter(pk__in=within).only("name", "purpose")
    found = [one.pk for one in places if sought in (one.name.casefold(), str(one.shown_name).casefold())]
    if not found:
        raise NotFound(_("There is no collection called “%(name)s”.") % {"name": name})
    return found

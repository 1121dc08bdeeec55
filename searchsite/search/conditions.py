"""What a question's words demand of each hit, in SQL: `-word`, `field:value`, and groups of them."""

from __future__ import annotations

import time as time_module
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db import OperationalError, connection, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from psycopg.errors import QueryCanceled

from searchsite.accounts.models import User
from searchsite.library.models import Collection, Item
from searchsite.search import grammar
from searchsite.search.grammar import Filter, Node, Not, Phrase, Word
from searchsite.search.wrong import BadQuestion, NotFound

MILLISECONDS = 3000
# Each place of <name> is a column: item's or a table of vectors'.
ITEMS = {"<item>": "item.id", "<by>": "item.created_by_id", "<own>": "item."}
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
# As in searchsite.search.words: an index finds candidates, each is then compared, case and accents aside.
QUOTED = r"""<item> IN (
    SELECT part.item_id FROM part WHERE (part.search @@ {query} OR UPPER(part.text) LIKE UPPER({like}))
        AND strpos(upper(unaccent(regexp_replace(part.text, '\s+', ' ', 'g'))), upper(unaccent({phrase}))) > 0
    UNION ALL SELECT titled.id FROM item AS titled
        WHERE (titled.title_search @@ {query} OR UPPER(titled.title) LIKE UPPER({like}))
        AND strpos(upper(unaccent(regexp_replace(titled.title, '\s+', ' ', 'g'))), upper(unaccent({phrase}))) > 0)"""
EMPTY = "SELECT word FROM unnest(%s::text[]) AS word WHERE numnode(plainto_tsquery('searchsite', word)) = 0"
MATCHING = "SELECT item.id FROM item WHERE item.collection_id = ANY(%(collections)s::bigint[]) AND {}"


@dataclass(frozen=True)
class Clause:
    """A condition on columns that are there in the item table and in the tables of vectors alike."""

    text: str
    values: tuple[tuple[str, Any], ...]

    def on(self, item: str, by: str, own: str) -> str:
        """The condition on these columns. What people wrote is in its values alone."""
        return self.text.replace("<item>", item).replace("<by>", by).replace("<own>", own)


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
    only: set[int] | None = None
    without: set[int] = set()
    try:
        with transaction.atomic():
            look = _Look(team, collections, named)
            for node in asked:
                found = look.up(node)
                only = found if only is None else only & found
            for node in _together(kept_out):
                without |= look.up(node)
            look.end()
    except OperationalError as error:
        if not isinstance(error.__cause__, QueryCanceled):
            raise
        raise BadQuestion(_("This question takes too long: ask with fewer conditions.")) from error
    return Met(tuple(clauses), None if only is None else tuple(sorted(only)), tuple(sorted(without)))


def _on_columns(node: Node) -> bool:
    return all(isinstance(leaf, Filter) and leaf.field != "tag" for leaf in _leaves(node))


def _leaves(node: Node) -> Iterator[Word | Phrase | Filter]:
    if isinstance(node, Not):
        yield from _leaves(node.part)
    elif isinstance(node, grammar.All | grammar.Any):
        for part in node.parts:
            yield from _leaves(part)
    else:
        yield node


def _together(nodes: Iterable[Node]) -> list[Node]:
    """Words are looked up in one go, the rest one by one: for one alone an index leads the way."""
    every = list(nodes)
    words = tuple(node for node in every if isinstance(node, Word))
    rest: list[Node] = [node for node in every if not isinstance(node, Word)]
    return [grammar.Any(words), *rest] if words else rest


def _that_say_something(nodes: Iterable[Node]) -> list[Node]:
    """The conditions without words that full text leaves out, such as "the": nothing has them, and all do."""
    every = list(nodes)
    words = {leaf.text for node in every for leaf in _leaves(node) if isinstance(leaf, Word)}
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


class _Look:
    """Looks up items, in all for so long; the timeout of the transaction is as it was after `end`."""

    def __init__(self, team: int, collections: tuple[int, ...], named: tuple[int, ...]) -> None:
        self.values: dict[str, Any] = {"collections": list(collections), "team": team}
        self.team, self.named = team, named
        self.until = time_module.monotonic() + MILLISECONDS / 1000
        self.before: str | None = None

    def up(self, node: Node) -> set[int]:
        """Ids of the items that meet a condition."""
        clause = _Writer(self.team, self.named, "m").clause(node)
        left = max(1, round((self.until - time_module.monotonic()) * 1000))
        with connection.cursor() as cursor:
            if self.before is None:
                cursor.execute("SELECT current_setting('statement_timeout')")
                self.before = cursor.fetchone()[0]
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(left)])
            cursor.execute(MATCHING.format(clause.on(*ITEMS.values())), dict(clause.values) | self.values)
            return {pk for (pk,) in cursor.fetchall()}

    def end(self) -> None:
        """Leave the transaction as it was found."""
        if self.before is not None:
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [self.before])


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
        like = self._named("%" + node.text.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_") + "%")
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
            return node.field, datetime.combine(value, time.min, UTC)
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

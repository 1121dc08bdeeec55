"""What a question's words demand of each hit, in SQL: `-word`, `field:value`, and groups of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db import OperationalError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from psycopg.errors import QueryCanceled

from searchsite.accounts.models import User
from searchsite.library.models import Collection
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


def met(nodes: Iterable[Node], *, team: int, collections: tuple[int, ...]) -> Met:
    """Find what the conditions leave in a team's collections. Raises BadQuestion, or NotFound for a collection.

    Conditions on an item's own columns are checked where it is looked for. For the others the items are looked up once,
    for several statements ask: those that must be there, or, of what must not hold, those that must not.
    """
    clauses: list[Clause] = []
    asked: list[Node] = []
    kept_out: list[Node] = []
    for node in nodes:
        if _on_columns(node):
            clauses.append(_Writer(team, collections, f"c{len(clauses)}_").clause(node))
        elif isinstance(node, Not):
            kept_out.append(node.part)
        else:
            asked.append(node)
    only: set[int] | None = None
    without: set[int] = set()
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            if asked or kept_out:
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(MILLISECONDS)])
            for node in asked:
                found = _matching(node, team, collections)
                only = found if only is None else only & found
            for node in _together(kept_out):
                without |= _matching(node, team, collections)
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


def _matching(node: Node, team: int, collections: tuple[int, ...]) -> set[int]:
    clause = _Writer(team, collections, "m").clause(node)
    statement = MATCHING.format(clause.on(*ITEMS.values()))
    values = dict(clause.values) | {"collections": list(collections), "team": team}
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return {pk for (pk,) in cursor.fetchall()}


@dataclass
class _Writer:
    """Writes one condition, with names for its values that no other has."""

    team: int
    collections: tuple[int, ...]
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
            return "in", _named(value, self.collections)
        if node.field == "by":
            # Somebody whom nobody knows has put in nothing.
            return "by", User.objects.filter(username=value).values_list("pk", flat=True).first() or -1
        return node.field, value

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

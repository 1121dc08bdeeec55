"""What a question's words demand of each hit, in SQL: `-word`, `field:value`, and groups of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import reduce
from operator import and_, or_
from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from searchsite.accounts.models import User
from searchsite.library.models import Item
from searchsite.search import grammar, naming, pace
from searchsite.search.columns import ITEM, midnight
from searchsite.search.grammar import Filter, Node, Not, Word
from searchsite.search.lookups import Lookups
from searchsite.search.members import NOBODY, Held, Members
from searchsite.search.pace import Budget
from searchsite.search.wrong import NotFound

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
MATCHING = "SELECT array_agg(item.id) FROM item WHERE item.collection_id = ANY(%(collections)s::bigint[]) AND {}"


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
    only: Members | None = None
    without: Members = NOBODY


def met(nodes: Iterable[Node], *, team: int, named: tuple[int, ...], budget: Budget) -> Met:
    """Find what the conditions leave of a team's collections. Raises BadQuestion, or NotFound for a collection.

    named: the collections that the person sees, which may be named.

    Conditions on an item's own columns are checked where it is looked for. For the others the items are looked up once,
    for several statements ask: those that must be there, or, of what must not hold, those that must not.
    """
    every = list(nodes)
    if all(map(_on_columns, every)):
        return Met(tuple(_Writer(team, named, f"c{at}_").clause(node) for at, node in enumerate(every)))
    lookups = Lookups(team, Budget(pace.CONDITIONS, budget))
    with lookups.limited():
        said = _that_say_something(every, lookups)
        clauses = [node for node in said if _on_columns(node)]
        mixed = [node for node in said if _is_mixed(node)]
        held = [_held(node, lookups) for node in _together(said) if not (_on_columns(node) or _is_mixed(node))]
        if mixed:
            held.append(Held(_matching(mixed, team=team, named=named, lookups=lookups)))
    written = tuple(_Writer(team, named, f"c{at}_").clause(node) for at, node in enumerate(clauses))
    if not held:
        return Met(written)
    one = reduce(and_, held)
    return Met(written, None, one.members) if one.but else Met(written, one.members)


def _on_columns(node: Node) -> bool:
    return all(map(_is_column, grammar.leaves(node)))


def _is_mixed(node: Node) -> bool:
    return not _on_columns(node) and any(map(_is_column, grammar.leaves(node)))


def _is_column(leaf: grammar.Word | grammar.Phrase | Filter) -> bool:
    return isinstance(leaf, Filter) and leaf.field != "tag"


def _together(nodes: Iterable[Node]) -> list[Node]:
    """Words to be left out are looked up in one go."""
    every = list(nodes)
    words = tuple(node.part for node in every if isinstance(node, Not) and isinstance(node.part, Word))
    rest = [node for node in every if not (isinstance(node, Not) and isinstance(node.part, Word))]
    return [Not(grammar.Any(words)), *rest] if words else rest


def _that_say_something(nodes: Sequence[Node], lookups: Lookups) -> list[Node]:
    """The conditions without words that full text leaves out, such as "the": nothing has them, and all do."""
    words = {leaf.text for node in nodes for leaf in grammar.leaves(node) if isinstance(leaf, Word)}
    if words:
        words -= lookups.saying_something(words)
    return [left for node in nodes if (left := _without(node, words)) is not None]


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


def _held(node: Node, lookups: Lookups) -> Held:
    """Of which items a condition without columns holds."""
    if isinstance(node, Not):
        return ~_held(node.part, lookups)
    if isinstance(node, grammar.All):
        return reduce(and_, (_held(part, lookups) for part in node.parts))
    if isinstance(node, grammar.Any):
        words = [part for part in node.parts if isinstance(part, Word)]
        parts = [_held(part, lookups) for part in node.parts if not isinstance(part, Word)]
        return reduce(or_, [*([Held(lookups.having_any(words))] if words else []), *parts])
    return Held(lookups.having(node))


def _matching(nodes: Iterable[Node], *, team: int, named: tuple[int, ...], lookups: Lookups) -> Members:
    """The items that meet conditions in which columns stand beside what was looked up."""
    writer = _Writer(team, named, "m", lookups)
    text = " AND ".join([writer.written(node) for node in nodes])
    clause = Clause(text, tuple(writer.values.items()))
    return lookups.read(MATCHING.format(clause.on(ITEM)), dict(clause.values) | {"collections": list(named)})


@dataclass
class _Writer:
    """Writes one condition, with names for its values that no other has."""

    team: int
    named: tuple[int, ...]
    prefix: str
    lookups: Lookups | None = None
    values: dict[str, Any] = field(default_factory=dict)

    def clause(self, node: Node) -> Clause:
        return Clause(self.written(node), tuple(self.values.items()))

    def written(self, node: Node) -> str:
        columns = any(map(_is_column, grammar.leaves(node)))
        if not columns and self.lookups is not None:
            return self._among(_held(node, self.lookups))
        if isinstance(node, Not):
            return f"NOT ({self.written(node.part)})"
        if isinstance(node, grammar.All):
            return "(" + " AND ".join(map(self.written, node.parts)) + ")"
        if isinstance(node, grammar.Any):
            return "(" + " OR ".join(map(self.written, node.parts)) + ")"
        assert isinstance(node, Filter)
        return self._filtered(node)

    def _among(self, held: Held) -> str:
        name = f"{self.prefix}{len(self.values)}"
        self.values |= held.members.values(name)
        return held.condition("<item>", name)

    def _filtered(self, node: Filter) -> str:
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
        if (found := somebody(name, team=self.team, collections=self.named)) is None:
            said = _("There is nobody called “%(name)s”.") % {"name": name}
            raise NotFound(naming.with_names(said, naming.people(name, self.team, self.named)))
        return found

    def _named(self, value: Any) -> str:
        name = f"{self.prefix}{len(self.values)}"
        self.values[name] = value
        return f"%({name})s"


def somebody(name: str, *, team: int, collections: tuple[int, ...]) -> int | None:
    """One who is in the team, or has put in something that may be seen: of others not even the name is told. Small and
    capital letters are the same, but for two people whose names differ by them alone.
    """
    seen = Item.objects.filter(created_by=OuterRef("pk"), collection__in=collections)
    known = User.objects.filter(Q(memberships__team=team) | Q(Exists(seen)), username__iexact=name)
    found = dict(known.values_list("username", "pk"))
    return found.get(name, next(iter(found.values()), None))


def _before_now(span: timedelta) -> datetime:
    try:
        return timezone.now() - span
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC)


def _named(name: str, within: tuple[int, ...]) -> list[int]:
    """The collections of this name, as it is stored or as it is shown."""
    if found := naming.collections_called(name, within):
        return found
    said = _("There is no collection called “%(name)s”.") % {"name": name}
    raise NotFound(naming.with_names(said, naming.collections(name, within)))

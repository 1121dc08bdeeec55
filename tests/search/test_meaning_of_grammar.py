"""Random questions over a small library find exactly what a plain reading of their conditions leaves."""

from __future__ import annotations

import random
from datetime import timedelta
from functools import lru_cache

import pytest
from django.db import connection
from django.utils import timezone

from searchsite.accounts import teams
from searchsite.accounts.models import Role
from searchsite.library import tags
from searchsite.library.models import Collection, Item, Visibility
from searchsite.library.scope import scope_for
from searchsite.search import grammar, members, pace
from searchsite.search.every import every
from searchsite.search.grammar import Filter, Not, Phrase, Word
from searchsite.search.questions import Question, Term
from tests import made

pytestmark = pytest.mark.django_db

TEXTS = (
    "red boat at sea",
    "Two  red\nboats",
    "a café in the rain",
    "boat house",
    "the house of RE16-2231",
    "green",
    "Sün and moon",
    "rain on a red café",
    "",
    "moon",
)
LEAVES = (
    *("boat", "red", "moon", "cafe", "green", "the", "re16"),
    *('"red boat"', '"boat house"', '"RE16"', '"cafe"', '"two red"', '"in"', '"sun"', '"oa"'),
    *("kind:text", "kind:photo", "tag:pets", "tag:trips", "by:bob", "by:alice", "in:shed", "age:<5d", "age:>5d"),
)
FIELDS = LEAVES[15:]
ROUNDS = 120


@pytest.fixture(autouse=True)
def _unhurried(monkeypatch):
    monkeypatch.setattr(pace, "stretch", lambda: 100.0)


@pytest.fixture
def shelf(alice, team, inbox):
    """Items of two people in two collections, of several ages, some tagged; nobody embeds them."""
    bob = made.person("bob")
    teams.add_member(team, bob, role=Role.EDITOR)
    shed = Collection.objects.create(team=team, name="Shed", visibility=Visibility.TEAM, created_by=alice)
    places = (inbox, made.place(bob, team, shed))
    for number in range(30):
        item = made.note(places[number % 2], TEXTS[number % 10] or "x", title=TEXTS[number * 7 % 10] or "y")
        kind = "image" if number % 3 == 0 else "text"
        Item.objects.filter(pk=item.pk).update(
            kind=kind, created_at=timezone.now() - timedelta(days=number % 9, hours=1)
        )
        named = [name for name, every_ in (("pets", 4), ("trips", 5)) if number % every_ == 0]
        if named:
            tags.change([item.pk], add=named, remove=[], team_id=team.pk)
    return list(Item.objects.select_related("collection", "created_by").prefetch_related("parts"))


def written(chance: random.Random, depth: int = 0) -> str:
    """A random group, as somebody might write it."""
    if depth == 3 or chance.random() < 0.4:
        return chance.choice(("", "", "-")) + chance.choice(LEAVES)
    parts = [written(chance, depth + 1) for _ in range(chance.randrange(1, 4))]
    return f"{chance.choice(('', '-'))}({chance.choice((' ', ' OR ')).join(parts)})"


def holds(node: grammar.Node, item: Item) -> bool | None:
    """Whether an item meets a condition; None where it says nothing, as a stop word does."""
    if isinstance(node, Not):
        inside = holds(node.part, item)
        return None if inside is None else not inside
    if isinstance(node, grammar.All | grammar.Any):
        said = [one for part in node.parts if (one := holds(part, item)) is not None]
        return (all if isinstance(node, grammar.All) else any)(said) if said else None
    return _has(node, item)


def _has(leaf: Word | Phrase | Filter, item: Item) -> bool | None:
    texts = [item.title, *(part.text for part in item.parts.all())]
    if isinstance(leaf, Word):
        return _says(leaf.text, tuple(texts))
    if isinstance(leaf, Phrase):
        return any(_spelt(leaf.text, text) for text in texts)
    if leaf.field == "tag":
        return leaf.value in item.item_tags.values_list("tag__name", flat=True)
    if leaf.field == "age":
        made_before = timezone.now() - item.created_at
        return made_before > -leaf.value if leaf.value < timedelta(0) else made_before <= leaf.value
    own = {"kind": item.kind, "by": item.created_by.username, "in": item.collection.name.lower()}
    return own[leaf.field] == leaf.value


@lru_cache
def _says(word: str, texts: tuple[str, ...]) -> bool | None:
    """What full text makes of it, one text after the other."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT numnode(plainto_tsquery('searchsite', %s))", [word])
        if not cursor.fetchone()[0]:
            return None
        asked = """SELECT bool_or(to_tsvector('searchsite', t) @@ plainto_tsquery('searchsite', %s))
            FROM unnest(%s::text[]) AS t"""
        cursor.execute(asked, [word, list(texts)])
        return cursor.fetchone()[0]


def _spelt(phrase: str, text: str) -> bool:
    plain = str.maketrans("éü", "eu")
    bare, sought = (" ".join(one.split()).lower().translate(plain) for one in (text, phrase))
    # A short one is a word of its own, unless it is one that full text leaves out.
    return sought in (bare.split() if phrase == "oa" else bare)


@pytest.mark.parametrize("few", [500, 0])
def test_random_conditions_leave_what_they_say(alice, team, shelf, monkeypatch, few):
    """few: whether sets of items are sent as ids or as bits makes no difference."""
    monkeypatch.setattr(members, "FEW", few)
    chance, scope, kept = random.Random(few), scope_for(alice, team), 0
    for _ in range(ROUNDS):
        text = f"kind:text OR kind:photo -({written(chance)}) ({written(chance)} OR {chance.choice(FIELDS)})"
        conditions = grammar.read(text).conditions
        phrases = [node for node in _top(text) if isinstance(node, Phrase)]
        if sum(len(list(grammar.leaves(node))) for node in conditions) > grammar.MOST_CONDITIONS or _soft(text):
            continue
        left = {item.pk for item in shelf if all(holds(node, item) is not False for node in (*conditions, *phrases))}
        assert set(every(Question((Term(text=text),)), scope)) == left, text
        kept += 0 < len(left) < len(shelf)
    assert kept > ROUNDS // 8


def _top(text: str) -> list[grammar.Node]:
    """The texts in quotes that stand alone: they must be there, though they are looked for as words."""
    return [Phrase(one) for reading in [grammar.read(text)] for one in reading.words.split('"')[1::2]]


def _soft(text: str) -> bool:
    """Words that only rank: without vectors, what has none of them is not found."""
    return bool(grammar.read(text).words)

"""What the box offers, and words put right: in order, with the grammar kept, and never of what is not visible."""

from __future__ import annotations

import pytest
from django.http import QueryDict

from searchsite.accounts import teams
from searchsite.accounts.models import Role
from searchsite.library import collections, tags, trash
from searchsite.library.models import Collection
from searchsite.library.scope import scope_for
from searchsite.search import find, joining, questions, respelling, spelling, suggesting
from searchsite.search.wrong import NotFound
from tests import made


@pytest.fixture
def shelf(alice, team, inbox):
    """Notes of alice's; one in a private collection, one thrown away, one of a stranger's team."""
    private = collections.create_collection(team, "Private cellar", maker=alice, visibility="private")
    for title, names in (
        ("Harbour at night", ["harbour", "night view"]),
        ("Old harbour wall", []),
        ("Harvest", ["apples"]),
        ("-Blue note", []),
    ):
        tags.set_all(made.note(inbox, f"About {title.lower()}.", title=title), names)
    tags.set_all(made.note(made.place(alice, team, private), "Nobody knows.", title="Harlequin secret"), ["hargold"])
    gone = made.note(inbox, "Thrown away.", title="Harpoon")
    tags.set_all(gone, ["harsh"])
    trash.trash(gone)
    charlie = made.person("charlie")
    theirs = made.note(made.place(charlie, made.team_of(charlie, "den")), "Of others.", title="Harmonica")
    tags.set_all(theirs, ["harp"])
    bob = made.person("bob")
    teams.add_member(team, bob, role=Role.EDITOR)
    return {"alice": scope_for(alice, team), "bob": scope_for(bob, team)}


def offered(scope, text: str) -> list[tuple[str, str]]:
    return [(one.kind, one.text) for one in suggesting.suggest(text, scope)]


def test_beginnings_come_before_words_within(shelf):
    assert offered(shelf["bob"], "harb") == [
        ("title", "Harbour at night"),
        ("tag", "harbour"),
        ("title", "Old harbour wall"),
    ]
    assert offered(shelf["bob"], "HAR")[:2] == [("title", "Harbour at night"), ("title", "Harvest")]
    assert ("tag", "night view") in offered(shelf["bob"], "vi")
    assert offered(shelf["bob"], "old har") == [("title", "Old harbour wall"), ("tag", "harbour")]


def test_nothing_is_offered_of_what_is_not_visible(shelf):
    texts = {
        text
        for typed in (
            "ha",
            "har",
            "harl",
            "harg",
            "harm",
            "harp",
            "hars",
            "tag:har",
            "in:pri",
            "secret",
            "nobody",
            "harpoo",
            "harlekin",
            "harlequim",
        )
        for _, text in offered(shelf["bob"], typed)
    }
    assert texts <= {"Harbour at night", "Old harbour wall", "Harvest", "harbour"}, texts
    own = {text for typed in ("harl", "harg", "in:pri") for _, text in offered(shelf["alice"], typed)}
    assert own == {"Harlequin secret", "hargold", "Private cellar"}
    assert offered(shelf["alice"], "harpo") == [] == offered(shelf["alice"], "harmo")


def test_a_right_that_is_lost_is_lost_at_once(shelf, team):
    scope = scope_for(made.person("dora"), team)
    assert suggesting.suggest("har", scope) == []


def test_fields_are_completed_by_their_values(shelf):
    bob = shelf["bob"]
    assert offered(bob, "kind:s") == [("kind", "screenshot")] and len(offered(bob, "kind:")) == 3
    assert offered(bob, "tag:ha") == [("tag", "harbour")]
    assert offered(bob, "in:in") == [("in", "Inbox")] and offered(bob, "in:cel") == []
    assert offered(bob, "by:al") == [("by", "alice")] and offered(bob, "by:ch") == [] == offered(bob, "by:b")
    (found,) = suggesting.suggest("bridge -tag:night", bob)
    assert found.query == 'bridge -tag:"night view"'
    (found,) = suggesting.suggest('tag:"night v', bob)
    assert found.query == 'tag:"night view"'


def test_what_is_offered_can_be_asked(shelf):
    bob = shelf["bob"]
    for typed in ("har", "blue no", "bridge vi", "tag:ni", "kind:", "in:", "by:"):
        for one in suggesting.suggest(typed, bob):
            results = find.find(questions.from_query(QueryDict(mutable=True) | {"q": one.query}), bob)
            assert one.kind == "kind" or results.hits or "bridge" in one.query, one
    (found,) = [one for one in suggesting.suggest("blue no", bob) if one.kind == "title"]
    assert found.query == '"-Blue note"'
    (found,) = [one for one in suggesting.suggest("old harb", bob) if one.kind == "tag"]
    assert found.query == "old tag:harbour"


@pytest.mark.parametrize(
    "typed",
    [
        "",
        " ",
        "h",
        '"',
        '"har',
        "%",
        "__",
        "\\",
        "'",
        "x" * 5000,
        "har\0",
        "(",
        "-",
        "tag:",
        "har'; --",
        "\ud800ha",
        "!&|:*",
    ],
)
def test_nothing_that_is_typed_breaks_it(shelf, typed):
    for one in offered(shelf["bob"], typed):
        assert one[0] in ("tag", "title")


def test_a_word_that_is_nearly_one_is_offered_by_it(shelf):
    assert ("title", "Harbour at night") in offered(shelf["bob"], "harbuor")


def better(scope, query: str) -> str:
    question = questions.from_query(QueryDict(mutable=True) | {"q": query})
    return respelling.respelled(question, find.find(question, scope), scope)


@pytest.mark.parametrize(
    ("written", "right"),
    [
        ("harbuor", "harbour"),
        ("the old harbor wall", "the old harbour wall"),
        ("Harbuor -tulip kind:text", "harbour -tulip kind:text"),
        ('harbuor "harbuor wall" tag:harbuor', 'harbour "harbuor wall" tag:harbuor'),
        ("(harbuor OR night) by:alice", "(harbour OR night) by:alice"),
        ("aples", "apples"),
    ],
)
def test_a_word_that_is_nowhere_is_put_right(shelf, written, right):
    assert better(shelf["bob"], written) == right


@pytest.mark.parametrize(
    ("written", "right"),
    [
        ("lsia", "lisa"),
        ("mona lsia", "mona lisa"),
        ("waev", "wave"),
        ("grvael", "gravel"),
        ("tirpod", "tripod"),
        ("feild", "field"),
        ("clcok", "clock"),
        ("clokc", "clock"),
        ("rpice", "price"),
        ("omnths", "months"),
    ],
)
def test_letters_that_changed_places_are_put_right_wherever_they_stand(shelf, alice, team, inbox, written, right):
    for title in ("Mona Lisa", "The great wave", "Gravel by the tripod", "Field", "A clock"):
        made.note(inbox, "Nothing more.", title=title)
    tags.set_all(made.note(inbox, "Nothing.", title="Empty"), ["price list", "months"])
    hidden = made.place(alice, team, Collection.objects.get(name="Private cellar"))
    made.note(hidden, "Nobody knows.", title="A clcko and a lsai, omntsh")
    assert better(shelf["bob"], written) == right


@pytest.mark.parametrize(
    "written",
    [
        "harbour",
        "harbours",
        "night",
        '"harbuor"',
        "-harbuor",
        "tag:harbuor",
        "harb2or",
        "RE16",
        "HB-2231",
        "zebra",
        "har",
        "",
    ],
)
def test_what_is_known_quoted_a_code_or_unlike_anything_stays(shelf, written):
    assert better(shelf["bob"], written) == ""


def test_a_word_is_never_taken_from_what_is_not_visible(shelf):
    for word in ("harlequim", "harleqin", "hraoplin", "hragold", "hargild", "harpooon", "harmonika", "secrett"):
        assert better(shelf["bob"], word) == "", word
    assert better(shelf["alice"], "harlequim") == "harlequin"
    assert better(shelf["alice"], "hargild") == better(shelf["alice"], "hragold") == "hargold"


def test_a_name_of_several_words_is_put_in_quotes_after_its_field(shelf):
    assert better(shelf["bob"], "tag:night view") == 'tag:"night view"'
    assert better(shelf["bob"], "-zebra tag:Night View -wall") == '-zebra tag:"night view" -wall'
    assert better(shelf["bob"], "tag:night -view") == "" == better(shelf["bob"], "tag:harbour view")
    assert joining.joined("in:private cellar tag:night view of", shelf["alice"]) == (
        'in:"Private cellar" tag:"night view" of'
    )
    assert joining.joined("in:private cellar", shelf["bob"]) == ""
    assert joining.joined("(-in:private cellar) OR x", shelf["alice"]) == '(-in:"Private cellar") OR x'


def test_a_name_that_is_not_there_is_answered_with_those_that_may_be_seen(shelf):
    """Of a member who has put in nothing that may be seen, or a stranger, not even the name is told."""
    for who, where in (("alice", "Inbox, Private cellar"), ("bob", "Inbox")):
        with pytest.raises(NotFound, match=rf"no collection called “nowhere”\. There are: {where}\.$"):
            better(shelf[who], "in:nowhere")
        with pytest.raises(NotFound, match=r"nobody called “zoe”\. There are: alice\.$"):
            better(shelf[who], "by:zoe")


def test_at_most_five_names_are_said_the_likest_first(alice, team, inbox):
    for name in ("Apples", "Books", "Cars", "Old shed", "Dogs"):
        collections.create_collection(team, name, maker=alice)
    with pytest.raises(NotFound, match=r"There are, among others: Old shed, Apples, Books, Cars, Dogs\.$"):
        better(scope_for(alice, team), "in:shed")


@pytest.mark.parametrize(
    ("one", "other", "number"),
    [
        ("harbour", "harbuor", 1),
        ("abc", "abc", 0),
        ("abc", "ab", 1),
        ("abcd", "badc", 2),
        ("abc", "xyz", 3),
        ("a", "abcd", 3),
    ],
)
def test_letters_are_counted(one, other, number):
    assert spelling.edits(one, other, 2) == number == spelling.edits(other, one, 2)

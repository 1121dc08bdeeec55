"""Words of a question in texts, and why an item was found."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from searchsite.search import marks
from searchsite.search.find import find
from searchsite.search.questions import Question, Term
from searchsite.search.reasons import Found, explained
from tests import made

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("question", "text", "found"),
    [
        ("walnuts", "A walnut, two WALNUTS and a walnutty cake", ("walnut", "WALNUTS")),
        ("boats running", "He runs to the boat", ("runs", "boat")),
        ("cafe", "Der Café-Besitzer und CAFES", ("Café", "CAFES")),
        ("Zürich", "in Zurich", ("Zurich",)),
        ("the of and", "then the often and", ()),
        ("art", "artists at a party", ("art",)),
        ('"old  bridge"', "An old\nbridge, and a bridge", ("old bridge",)),
        ('red "old bridge"', "old bridge in red", ("old bridge", "red")),
        ("RE16", "Order RE16-2231", ("RE16",)),
        ("日本", "日本 の本", ("日本",)),
        ("", "anything", ()),
    ],
)
def test_words_are_found_as_full_text_finds_them(question: str, text: str, found: tuple[str, ...]) -> None:
    assert marks.marks_of(question, [text]).words(text) == found


def test_words_within_others_are_found_only_where_words_were_looked_for_so() -> None:
    own = marks.marks_of("16-22 arty", ["RE16-2231", "a party"])
    assert own.words("a party") == () and own.words("a party", inside=True) == ("arty",)


def test_places_are_those_in_the_text_itself() -> None:
    text = "Straße İstanbul ﬁne café"
    ((start, end),) = marks.marks_of("cafes", [text]).spans(text)
    assert text[start:end] == "café"


def test_words_once_asked_for_are_kept() -> None:
    marks.marks_of("kestrels", ["A kestrel hovers"])
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert marks.marks_of("kestrels", ["A kestrel hovers"]).words("A kestrel hovers") == ("kestrel",)
    assert len(asked) == 0


def test_an_item_is_explained_by_all_that_has_the_words(inbox, fake) -> None:
    item = made.note(inbox, "Of a boat.\n\n" + "Nothing here. " * 200 + "\n\nAnd of harbours.", "Trip")
    made.note(inbox, "Boats and more boats", "Other")
    made.work_through_everything()
    hits = find(Question((Term(text="boat harbour"),)), inbox.scope).hits
    found = [Found(hit.item.id, hit.item.title, hit.why) for hit in hits]
    by_item = dict(zip([one.item for one in found], explained(found, "boat harbour", inbox.scope).reasons, strict=True))
    (words,) = [one for one in by_item[item.public_id] if one.channel == "words"]
    assert set(words.words) == {"boat", "harbours"} and words.share == 1.0
    (text,) = [one for one in by_item[item.public_id] if one.channel == "text"]
    assert text.role == "content" and text.text and text.share is None


def test_nothing_is_told_of_what_may_not_be_seen(inbox, fake) -> None:
    made.note(inbox, "A secret boat", "Boat")
    made.work_through_everything()
    hits = find(Question((Term(text="boat"),)), inbox.scope).hits
    stranger = made.person("dora")
    den = made.place(stranger, made.team_of(stranger, "den"))
    found = [Found(hit.item.id, "", hit.why) for hit in hits]
    (reasons,) = explained(found, "boat", den.scope).reasons
    assert {(one.part, one.text, one.words) for one in reasons} == {(None, "", ())}

"""What a folder says is to be found, and what is asked."""

from __future__ import annotations

import pytest

from searchsite.quality import sets
from searchsite.quality.sets import CAPTIONS, PICTURES, WITH_PROGRAM, BadSet
from tests.quality.conftest import write


def test_a_pictures_own_text_is_its_question_in_each_language(colours):
    found = sets.read(colours)
    asked = {one.id: one for one in found.questions}
    assert asked["red:en"].text == "a red picture" and asked["red:en"].relevant == {"red"}
    assert asked["red:de"].language == "de"
    assert asked["red:picture"].direction == "picture -> text"
    assert {one.shelf for one in found.documents} == {PICTURES, CAPTIONS}


def test_no_file_name_tells_what_a_picture_shows(colours):
    titles = [one.title for one in sets.read(colours).documents if one.shelf == PICTURES]
    assert not any("red" in title for title in titles) and len(set(titles)) == 6


def test_pictures_of_one_group_are_each_an_answer(tmp_path):
    rows = [{"id": str(n), "path": f"{n}.png", "text": f"text {n}", "group": "g", "app": "kate"} for n in range(2)]
    write(tmp_path, "manifest.jsonl", rows)
    asked = {one.id: one for one in sets.read(tmp_path).questions}
    assert asked["0:en"].relevant == {"0", "1"}
    assert asked["0:en:app"].text == "kate text 0" and asked["0:en:app"].about == WITH_PROGRAM


def test_a_text_that_several_pictures_have_is_no_question(tmp_path):
    rows = [{"id": str(n), "path": f"{n}.png", "text": "arrow", "unique": n == 0} for n in range(3)]
    write(tmp_path, "manifest.jsonl", rows)
    assert {one.id for one in sets.read(tmp_path).questions} == {"0:en", "0:picture"}


def test_questions_may_have_a_file_of_their_own(notes):
    found = sets.read(notes)
    assert {one.direction for one in found.questions} == {"text -> text"}
    assert next(one for one in found.questions if one.text == "a flat tyre").relevant == {"bicycle"}


def test_pictures_that_ask_for_pictures_look_through_the_set_of_their_answers(colours, tmp_path):
    row = {"id": "q", "path": "img/q.png", "text": "", "relevant": ["red"], "relevant_path": "../colours/img/red.jpg"}
    write(tmp_path / "own" / "likes", "manifest.jsonl", [row])
    found = sets.read(tmp_path / "own" / "likes")
    assert len(found.documents) == 6
    (asked,) = found.questions
    assert (asked.direction, asked.relevant) == ("picture -> picture", {"red"})


def test_a_sample_is_the_same_each_time_and_keeps_answers_with_questions(colours):
    whole = sets.read(colours)
    some = sets.sampled(whole, items=3, questions=2)
    assert some == sets.sampled(whole, items=3, questions=2)
    assert len(some.documents) == 6
    assert {one for asked in some.questions for one in asked.relevant} <= {one.id for one in some.documents}
    assert max(sum(one.kind == asked.kind for one in some.questions) for asked in some.questions) <= 2


def test_questions_of_one_language_look_through_everything(colours):
    whole = sets.read(colours)
    german = sets.spoken(whole, "de")
    assert german.documents == whole.documents
    assert {one.language for one in german.questions} == {"de"}
    with pytest.raises(BadSet, match="no question in the language xx"):
        sets.spoken(whole, "xx")


def test_both_halves_have_questions_and_share_no_answer(colours):
    asked = sets.read(colours).questions
    halves = [{min(one.relevant) for one in asked if sets.half_of(one) == half} for half in (0, 1)]
    assert all(halves) and not halves[0] & halves[1]


@pytest.mark.parametrize(
    ("text", "sentence"), [(None, "no set at"), ("{", "not JSON"), ('{"id": ""}', "needs an id"), ("", "needs an id")]
)
def test_what_is_no_set_is_refused_in_a_sentence(tmp_path, text, sentence):
    if text is not None:
        (tmp_path / "manifest.jsonl").write_text(text, encoding="utf-8")
    with pytest.raises(BadSet, match=sentence):
        sets.read(tmp_path)

"""Cleaning of what people write."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from searchsite.library import passages, wording
from searchsite.library.models import PASSAGE_CHARS


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("red car.jpg", "red car"),
        ("../../etc/passwd", "passwd"),
        ("C:\\photos\\cat.PNG", "cat"),
        ("a\0b\r\nSet-Cookie: x.png", "ab Set-Cookie: x"),
        ("invoice\u202egpj.exe", "invoicegpj"),
        ("archive.tar.gz", "archive.tar"),
        (".jpg", "Untitled"),
        ("", "Untitled"),
        ("...", "Untitled"),
        ("CON.png", "CON"),
        ("<img onerror=x>.png", "<img onerror=x>"),
        ("x" * 10_000 + ".png", "x" * 255),
    ],
)
def test_a_title_comes_from_a_file_name(name: str, title: str) -> None:
    assert wording.title_of_file(name) == title


def test_a_text_loses_what_postgres_cannot_store() -> None:
    assert wording.clean_text("a\0b\ud800c\r\nd e\u0301") == "abc\nd \u00e9"


@pytest.mark.parametrize("marks", ["\u0301\u0316", "\u0f73", "\u0344\u0323", "\u3099\u0334", "\U0001e94a\u0345"])
def test_a_mountain_of_marks_is_made_low_before_it_is_put_in_order(marks: str) -> None:
    """Sorting them takes time in the square of their number, half an hour for these."""
    text = "a" + "".join(mark * 400_000 for mark in marks) + "z"
    started = time.process_time()
    cleaned = wording.clean_text(text)
    assert time.process_time() - started < 5
    assert len(cleaned) < 100 and unicodedata.normalize("NFD", cleaned)[0] + cleaned[-1] == "az"


def test_what_languages_write_keeps_all_its_marks() -> None:
    thai, zalgo, tibetan = "\u0e17\u0e35\u0e48 " * 9, "o" + "\u0300" * 30, "\u0f40\u0f71\u0f72" * 40
    for text in (thai, zalgo, tibetan):
        assert wording.clean_text(text) == unicodedata.normalize("NFC", text)


def test_a_note_is_called_by_its_first_line() -> None:
    assert wording.title_of_text("\n\n# Shopping list\n- milk") == "Shopping list"


@pytest.mark.parametrize("name", ["Red Car", " red  car ", "RED\tCAR", "#red car"])
def test_tags_that_look_alike_are_one(name: str) -> None:
    assert wording.normalise_tag(name) == "red car"


def test_tags_are_one_in_every_unicode_form() -> None:
    assert wording.normalise_tag("Cafe\u0301") == wording.normalise_tag("caf\u00e9")


@given(st.text())
def test_titles_and_tags_always_fit(text: str) -> None:
    title = wording.title_of_file(text)
    assert 1 <= len(title) <= wording.TITLE_CHARS
    assert len(wording.normalise_tag(text)) <= wording.TAG_CHARS
    assert wording.normalise_tag(wording.normalise_tag(text)) == wording.normalise_tag(text)
    (title + wording.clean_text(text)).encode()


@given(
    st.lists(st.sampled_from(["word ", "The end. ", "\n", "\n \n", "。", "x" * 700, "\t"]), max_size=200).map("".join)
)
def test_passages_are_the_whole_text_end_to_end(text: str) -> None:
    cut = passages.split(text)
    assert "".join(passage.text for passage in cut) == text
    assert all(text[passage.start : passage.end] == passage.text for passage in cut)
    assert all(0 < len(passage.text) <= PASSAGE_CHARS for passage in cut)


def test_a_passage_ends_with_a_paragraph_where_it_can() -> None:
    first = "One sentence. " * 100
    cut = passages.split(f"{first}\n\n{'Another. ' * 100}")
    assert cut[0].text.rstrip() == first.rstrip()


def test_one_word_of_a_megabyte_is_cut_all_the_same() -> None:
    assert {len(passage.text) for passage in passages.split("x" * 1_000_000)} == {PASSAGE_CHARS}

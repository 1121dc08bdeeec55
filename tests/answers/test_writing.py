"""An answer's text as blocks, and what its statements rest on."""

from __future__ import annotations

import time

import pytest

from searchsite.answers import prompts, speech, writing


def kinds(text: str) -> list[str]:
    return [block.kind for block in writing.blocks_of(text, 3)]


def test_paragraphs_lists_and_code_are_told_apart():
    text = "Intro:\n\n- one\n\n- two\n  more\n\nAfter.\n1. x\n2. y\n```py\nz [1]\n```\nEnd."
    assert kinds(text) == ["p", "ul", "p", "ol", "code", "p"]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("It is so [1].", [1]),
        ("It is so [1][3].", [1, 3]),
        ("It is so [1, 2].", [1, 2]),
        ("It is so [1-3].", [1, 2, 3]),
        ("It is so [Source 2].", [2]),
        ("它是这样【2】。", [2]),
        ("**It [2]** is.", [2]),
        ("It is not so [4][0][99].", []),
        ("In [2024] it was.", []),
        ("`code [1]`", []),
    ],
)
def test_citations_are_those_of_real_sources(text, numbers):
    assert writing.cited(writing.blocks_of(text, 3)) == numbers


def test_numbers_without_a_source_are_not_shown():
    (block,) = writing.blocks_of("It is so [7], really [1].", 3)
    assert "".join(span.text for span in block.lines[0]) == "It is so, really1."


def test_each_citation_stands_for_the_statement_before_it():
    assert list(writing.statements("Cats sleep. Dogs bark [1][2]. Fish swim [3].", 3)) == [
        (1, "Dogs bark"),
        (2, "Dogs bark"),
        (3, "Fish swim"),
    ]


def test_markup_is_only_text():
    (block,) = writing.blocks_of("<b>x</b> [link](javascript:alert(1))", 3)
    assert [span.style for span in block.lines[0]] == [""]


@pytest.mark.parametrize(
    "text",
    [
        *("*" * 9000, "[" * 9000, "**a" * 3000, "**a " * 3000, "- " * 4000, "[1" + " ,1" * 3000),
        *(f"a{' ' * 20_000}b", f"# a{' ' * 20_000}b", f"# {'# ' * 9000}b"),
    ],
)
def test_hostile_texts_take_no_time(text):
    start = time.process_time()
    writing.blocks_of(text, 3)
    assert time.process_time() - start < 3


@pytest.mark.parametrize(("line", "shown"), [("## Dough ##", "Dough"), ("# ###", "###"), ("#  Bake it", "Bake it")])
def test_headings_are_bold_lines(line, shown):
    ((span,),) = writing.blocks_of(line, 3)[0].lines
    assert (span.text, span.style) == (shown, "strong")


@pytest.mark.parametrize(
    ("raw", "thoughts", "answer"),
    [
        ("Plain.", "", "Plain."),
        ("<think>Hm.</think>\n\nSo.", "Hm.", "So."),
        ("\n<think>Hm", "Hm", ""),
        ("Hm.\n</think>So.", "Hm.", "So."),
        ("<thi", "", ""),
        ("<think>\n\n</think>\n\nSo.", "", "So."),
    ],
)
def test_thoughts_are_no_answer(raw, thoughts, answer):
    assert speech.parted(raw) == (thoughts, answer)


@pytest.mark.parametrize(
    "text", ["NOT_IN_LIBRARY", "`NOT_IN_LIBRARY`.", '"NOT_IN_LIBRARY"', "NOT_IN_LIBRARY\n\nSorry."]
)
def test_absence_is_heard(text):
    assert speech.is_absent(text) and speech.may_be_absent(text[:5])


def test_switches_and_marks_are_broken():
    assert prompts.defused("/no_think </think> <|im_end|>") == "/ no_think </ think> <| im_end |>"

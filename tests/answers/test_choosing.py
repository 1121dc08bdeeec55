"""Who answers: the network that looks at pictures, or the one that reads and thinks."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from searchsite.answers import choosing
from searchsite.answers.sources import Source
from searchsite.inference.stages import Endpoint, Stages

READS = Endpoint("http://reads", None, "reads")
LOOKS = Endpoint("http://looks", None, "looks")
BOTH = Stages(READS, caption=LOOKS, answer=READS)


def chosen(pattern: str, stages: Stages = BOTH, *, thinking: bool = False) -> str:
    """Who answers from sources of these kinds: p is a picture, t a text."""
    card: Any = cast(Any, None)
    sources = [
        Source(number, card, number, "words", picture=Path("x") if kind == "p" else None)
        for number, kind in enumerate(pattern, start=1)
    ]
    answerer = choosing.answerer_for(stages, sources, thinking=thinking)
    return answerer.network if answerer else ""


@pytest.mark.parametrize("pattern", ["p", "pttt", "tptp", "ttpp"])
def test_strong_pictures_are_looked_at(pattern: str) -> None:
    assert chosen(pattern) == "looks"


@pytest.mark.parametrize("pattern", ["t", "tp", "tttp", "ttttpppp"])
def test_one_weak_picture_is_no_reason_to_look(pattern: str) -> None:
    assert chosen(pattern) == "reads"


def test_who_can_think_answers_where_that_is_wanted() -> None:
    assert chosen("pppp", thinking=True) == "reads"


def test_who_is_alone_answers_all() -> None:
    assert chosen("tttt", Stages(READS, caption=LOOKS), thinking=True) == "looks"
    assert chosen("pppp", Stages(READS, answer=READS)) == "reads"
    assert chosen("pppp", Stages(READS)) == ""

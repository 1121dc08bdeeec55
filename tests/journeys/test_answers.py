"""Qwen3-8B: a question over the library is answered as a stream, with its sources."""

from __future__ import annotations

import json

import pytest

from tests.journeys.visitor import Visitor


@pytest.mark.parametrize("house", ["vllm", "openrouter"])
def test_a_question_is_answered_with_its_sources(house: str, request: pytest.FixtureRequest) -> None:
    visitor: Visitor = request.getfixturevalue(house)
    visitor.write("The spare key of the boat house hangs behind the blue door.", "keys")
    events = visitor.ask("Where does the spare key hang?")
    names = [name for name, _ in events]
    assert names[0] == "sources"
    assert "answer" in names
    assert names[-1] == "end"
    assert "keys" in json.dumps(events[0][1])
    assert 'data-state="complete"' in str(events[-1][1])
    assert "It is so" in json.dumps([data for name, data in events if name == "answer"])


def test_a_stream_that_breaks_off_is_not_shown_as_an_answer(vllm: Visitor) -> None:
    vllm.write("The spare key of the boat house hangs behind the blue door.", "keys")
    vllm.server.chat_fault = "cut"
    # After two words, whichever network is asked: its name makes each event longer.
    vllm.server.chat.cut_at = 700
    try:
        events = vllm.ask("Where does the spare key hang now?")
    finally:
        vllm.server.chat_fault = None
    said = str(events[-1][1])
    assert 'data-state="interrupted"' in said
    assert 'data-state="complete"' not in said

"""Questions and their answers, over the wire to a fake that chats."""

from __future__ import annotations

import json
import time

import pytest

from searchsite.answers import asking, slots
from searchsite.library import trash
from searchsite.library.refusals import Refusal
from searchsite.search.questions import BadQuestion
from tests import made
from tests.answers.conftest import answered, configured

CHAT = "/v1/chat/completions"
QUESTION = "How long does the dough rest?"


def test_an_answer_names_its_sources(fake, recipe, ask):
    fake.reply = lambda body: "It rests eleven hours [1]. Really [7]."
    answering = answered(ask(QUESTION))
    assert answering.state == "complete" and answering.cited == [1]
    assert answering.sources[0].item.id == recipe.public_id and answering.answered_by == "Qwen/Qwen3-8B"


def test_what_goes_out_is_what_the_makers_say(fake, recipe, ask):
    answered(ask(QUESTION))
    (sent,) = fake.asked(CHAT)
    assert (sent["temperature"], sent["top_p"], sent["top_k"]) == (0.7, 0.8, 20)
    assert sent["chat_template_kwargs"] == {"enable_thinking": False} and sent["stream"] is True
    assert "eleven hours in the cold" in json.dumps(sent["messages"]) and QUESTION in json.dumps(sent["messages"])

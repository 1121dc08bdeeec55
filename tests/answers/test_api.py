"""Questions through the API and on the command line."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from searchsite.accounts.models import Token, User
from searchsite.accounts.tokens import create_token
from tests.answers.conftest import configured

ASK = "/api/v1/ask"
QUESTION = "How long does the dough rest?"


def caller(name: str, scopes: str = "read") -> Client:
    user = User.objects.get(username=name)
    _, secret = create_token(user, user.memberships.get().team, name="test", scopes=frozenset(scopes.split(",")))
    return Client(headers={"authorization": f"Bearer {secret}"})


def asked(client: Client, **body):
    return client.post(ASK, {"question": QUESTION, **body}, content_type="application/json")


def test_an_answer_has_its_citations(fake, recipe):
    fake.reply = lambda body: "The dough rests eleven hours in the cold [1]."
    said = asked(caller("alice")).json()
    assert (said["state"], said["answered_by"], said["detail"]) == ("complete", "Qwen/Qwen3-8B", "")
    (citation,) = said["citations"]
    assert citation["item"] == str(recipe.public_id) and citation["n"] == 1
    assert citation["quote"] == "Let the dough rest for eleven hours in the cold."
    assert said["sources"][0]["item"]["title"] == "Recipe" and said["usage"]["output_tokens"] > 0


def test_a_stream_ends_with_the_whole(fake, recipe):
    response = asked(caller("alice"), stream=True)
    body = b"".join(response.streaming_content).decode()
    response.close()
    events = [part.split("\ndata: ") for part in body.split("\n\n") if part.startswith("event: ")]
    names = [name.removeprefix("event: ") for name, _ in events]
    pieces = "".join(json.loads(data)["text"] for name, data in events if name == "event: piece")
    assert names[0] == "sources" and names[-1] == "end" and pieces == "It is so [1]."
    assert json.loads(events[-1][1])["answer"] == pieces


def test_a_revoked_token_ends_its_stream(fake, recipe):
    fake.reply = lambda body: "so " * 400
    fake.chat.pause = 0.05
    body = iter(asked(caller("alice"), stream=True).streaming_content)
    next(body)
    Token.objects.all().delete()
    end = json.loads(list(body)[-1].decode().split("\ndata: ")[1])
    assert (end["state"], end["answer"], end["sources"]) == ("changed", "", [])


def test_filters_narrow_the_sources(fake, recipe):
    said = asked(caller("alice"), filters={"kind": "image"}).json()
    assert (said["state"], said["sources"], said["answer"]) == ("absent", [], "")


def test_a_stranger_is_answered_from_his_own(fake, recipe):
    assert asked(caller("charlie")).json()["sources"] == []


def test_what_a_token_may_not_do(fake, recipe):
    assert asked(Client()).status_code == 401
    assert asked(caller("alice", "write")).status_code == 403


@pytest.mark.parametrize("body", [{"question": ""}, {"question": "x" * 2001}, {"question": "a", "deep": True}, {}, []])
def test_bad_bodies_are_problems(fake, garden, body):
    answer = caller("alice").post(ASK, body, content_type="application/json")
    assert answer.status_code == 422 and answer.json()["code"] == "invalid"


def test_without_a_network_it_is_a_problem(served, garden):
    answer = asked(caller("alice"))
    assert answer.status_code == 409 and answer.json()["code"] == "not-configured"


def test_a_network_that_is_away_is_no_problem(fake, recipe):
    fake.chat_fault = "401"
    said = asked(caller("alice"))
    assert said.status_code == 200 and said.json()["state"] == "away" and said.json()["sources"]


def test_the_command_prints_answer_and_sources(fake, recipe):
    out = io.StringIO()
    call_command("ask", "How long does", "the dough rest?", "--user", "alice", stdout=out)
    assert out.getvalue().startswith("It is so [1].\n*[1] Recipe\nAnswered by Qwen/Qwen3-8B in ")


def test_the_command_says_what_is_wrong(fake, recipe, monkeypatch):
    with pytest.raises(CommandError, match="at most 2,000"):
        call_command("ask", "x" * 2001, "--user", "alice")
    configured(monkeypatch, ANSWERER="none", ANSWER_URL="")
    with pytest.raises(CommandError, match="ANSWERER"):
        call_command("ask", "a", "--user", "alice")

"""The page of questions, without and with a script."""

from __future__ import annotations

import json

import pytest

from searchsite.answers import slots
from searchsite.web.written import blocks
from tests import made
from tests.answers.conftest import answered, browser, configured

QUESTION = "How long does the dough rest?"


def events(response) -> list[tuple[str, dict]]:
    body = b"".join(response.streaming_content).decode()
    response.close()
    parts = [part.split("\ndata: ") for part in body.split("\n\n") if part.startswith("event: ")]
    return [(name.removeprefix("event: "), json.loads(data)) for name, data in parts]


def test_a_form_brings_the_whole_answer(fake, recipe):
    fake.reply = lambda body: "It rests **eleven** hours [1]."
    page = browser("alice").post("/ask", {"q": QUESTION}).content.decode()
    assert '<strong>eleven</strong> hours<a class="cite" href="#source-1"' in page
    assert f'href="/items/{recipe.public_id}"' in page and "Answered by Qwen/Qwen3-8B" in page
    assert "csrfmiddlewaretoken=" not in page


def test_a_stream_has_sources_pieces_and_an_end(fake, recipe):
    fake.chat.pause = 0.06
    response = browser("alice").post("/ask/stream", {"q": QUESTION})
    assert response["Content-Type"] == "text/event-stream" and response["X-Accel-Buffering"] == "no"
    heard = events(response)
    names = [name for name, _ in heard]
    assert names[0] == "sources" and names[-1] == "end" and names.count("answer") > 1
    assert 'id="source-1"' in heard[0][1]["html"] and heard[-1][1] == heard[-1][1] | {"state": "complete", "cited": [1]}


def test_who_signs_out_hears_no_more(fake, recipe):
    fake.reply = lambda body: "so " * 400
    fake.chat.pause = 0.05
    page = browser("alice")
    response = page.post("/ask/stream", {"q": QUESTION})
    page.session.flush()
    assert events(response)[-1][1]["state"] == "changed"


def test_markup_in_an_answer_is_escaped(fake, recipe, ask):
    evil = "<script>alert(1)</script> <img src=x onerror=alert(1)> [x](javascript:alert(1)) [1]"
    fake.reply = lambda body: evil
    html = "".join(blocks(answered(ask(QUESTION))))
    assert "<script" not in html and "<img" not in html and "javascript" in html and html.count("href=") == 1


def test_a_statement_without_a_source_is_marked(fake, recipe, ask):
    fake.reply = lambda body: "It rests [1].\n\nThe moon is cheese.\n\nAnd also:\n\n- this [1]"
    html = blocks(answered(ask(QUESTION)))
    assert ["without source" in one for one in html] == [False, True, False, False]


def test_an_answer_without_any_source_says_so(fake, recipe):
    fake.reply = lambda body: "The moon is cheese [9]."
    page = browser("alice").post("/ask", {"q": QUESTION}).content.decode()
    assert "Without source: the answer names none" in page and "[9]" not in page


def test_what_is_not_there_is_said(fake, garden):
    page = browser("alice").post("/ask", {"q": QUESTION}).content.decode()
    assert "Not in the library" in page and "Answered by" not in page


def test_a_stranger_sees_nothing_of_it(fake, recipe):
    page = browser("charlie").post("/ask", {"q": QUESTION}).content.decode()
    assert "Recipe" not in page and "Not in the library" in page


def test_a_cut_answer_is_shown_as_cut(fake, recipe):
    fake.chat_fault = "no_finish"
    page = browser("alice").post("/ask", {"q": QUESTION}).content.decode()
    assert "broke off before its end" in page and "Ask again" in page and 'data-state="interrupted"' in page


def test_more_than_the_server_takes_come_back_later(fake, recipe, ask, monkeypatch):
    configured(monkeypatch, ANSWER_STREAMS="1")
    ask(QUESTION, "bob")
    for address in ("/ask", "/ask/stream"):
        answer = browser("alice").post(address, {"q": QUESTION})
        assert answer.status_code == 503 and answer["Retry-After"] == str(slots.RETRY_SECONDS)
        assert "Try again in a moment" in answer.content.decode()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({}, 400),
        ({"q": " "}, 400),
        ({"q": "x" * 2001}, 400),
        ({"q": "a", "after": "soon"}, 400),
        ({"q": "a", "collection": "7"}, 404),
    ],
)
def test_a_bad_question_is_refused_in_a_sentence(fake, garden, sent, status):
    for address in ("/ask", "/ask/stream"):
        answer = browser("alice").post(address, sent)
        assert answer.status_code == status and "." in answer.content.decode()
    assert browser("alice").get("/ask", sent).status_code == 200


def test_a_link_asks_nothing_by_itself(fake, recipe):
    page = browser("alice").get("/ask", {"q": QUESTION, "kind": "text"}).content.decode()
    assert QUESTION in page and "Texts" not in page.split("<main")[1].split("</form>")[0]
    assert fake.asked("/v1/chat/completions") == []
    assert browser("alice").get("/ask/stream").status_code == 405


def test_the_search_page_leads_here_with_the_question(fake, recipe):
    page = browser("alice").get("/", {"q": "walnut bread", "kind": "text"}).content.decode()
    assert 'href="/ask?q=walnut+bread&amp;kind=text"' in page and "Ask this" in page


def test_without_a_network_the_page_says_what_to_set(served, garden):
    page = browser("alice").get("/ask").content.decode()
    assert "ANSWERER" in page and "<textarea" not in page
    assert "Ask this" not in browser("alice").get("/", {"q": "walnut"}).content.decode()
    assert browser("alice").post("/ask/stream", {"q": "a"}).status_code == 409


def test_who_thinks_first_is_told_to_have_seen_no_pictures(looking, inbox):
    made.picture(inbox, "teal", "A teal boat")
    made.work_through_everything()
    answer = browser("alice").post("/ask", {"q": "Which boat is there?", "thinking": "true"}).content.decode()
    assert "Answered by Qwen/Qwen3-8B" in answer and "thought first, without looking at pictures" in answer

"""The page of questions in a real browser, with its script."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from searchsite.accounts import budgets
from searchsite.accounts.models import Team, User
from searchsite.library import trash
from tests import made
from tests.answers.conftest import wait_until
from tests.browsing import elsewhere, looks_right, page_of

QUESTION = "How long does the dough rest?"
EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>[x](javascript:alert(1)) <b>bold</b> [1]"


@pytest.fixture
def page(live_server, fake, recipe):
    with page_of("alice", live_server.url) as opened:
        yield opened


def ask(page: Page, words: str = QUESTION) -> None:
    page.goto("/ask")
    page.get_by_label("Your question").fill(words)
    page.keyboard.press("Enter")


def test_an_answer_is_written_with_its_sources(fake, page):
    fake.reply = lambda body: "It rests **eleven** hours [1]."
    fake.chat.pause = 0.02
    ask(page)
    expect(page.locator(".outcome")).to_contain_text("Answered by Qwen/Qwen3-8B")
    expect(page.locator(".written strong")).to_have_text("eleven")
    page.locator(".cite").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#source-1")).to_contain_text("Recipe")
    expect(page).to_have_url(re.compile("#source-1$"))
    looks_right(page)


def test_markup_in_an_answer_does_nothing(fake, page):
    fake.reply = lambda body: EVIL
    ask(page)
    expect(page.locator(".written")).to_contain_text("<script>alert(1)</script>")
    assert page.locator(".written").locator("script, img, b").count() == 0
    expect(page.locator(".written a")).to_have_count(1)


def test_the_stop_button_ends_the_call_to_the_provider(fake, page):
    fake.reply, fake.chat.pause = (lambda body: "word " * 200), 0.05
    ask(page)
    expect(page.locator(".written")).to_contain_text("word")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".outcome")).to_contain_text("This is not the whole answer.")
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_focused()
    wait_until(lambda: fake.chat.left == 1, seconds=3)


def test_a_reload_keeps_the_question_and_asks_nobody(fake, page):
    ask(page)
    expect(page.locator(".outcome")).to_contain_text("Answered by")
    page.reload()
    expect(page.get_by_label("Your question")).to_have_value(QUESTION)
    assert len(fake.asked("/v1/chat/completions")) == 1


def test_leaving_the_page_ends_it_too(fake, page):
    fake.reply, fake.chat.pause = (lambda body: "word " * 200), 0.05
    ask(page)
    expect(page.locator(".written")).to_contain_text("word")
    page.goto("/")
    wait_until(lambda: fake.chat.left == 1, seconds=3)


def test_a_cut_answer_can_be_asked_again(fake, page):
    fake.chat_fault = "no_finish"
    ask(page)
    expect(page.locator(".outcome")).to_contain_text("broke off before its end")
    fake.chat_fault = None
    page.get_by_role("button", name="Ask again").click()
    expect(page.locator(".outcome")).to_contain_text("Answered by")
    expect(page.locator(".outcome .notice")).to_have_count(0)


def test_a_right_that_is_lost_takes_the_answer_away(fake, page, recipe):
    fake.reply, fake.chat.pause = (lambda body: "word " * 200), 0.05
    ask(page)
    expect(page.locator(".written")).to_contain_text("word")
    elsewhere(lambda: trash.trash(recipe))
    expect(page.locator(".outcome")).to_contain_text("What you may see has changed", timeout=2500)
    expect(page.locator(".written")).to_have_text("")
    expect(page.locator(".source")).to_have_count(0)


def test_thoughts_are_folded(fake, page):
    fake.chat.thoughts = "Is it eleven?"
    page.goto("/ask?q=dough")
    page.get_by_label("Think first").check()
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator(".outcome")).to_contain_text("Answered by")
    expect(page.get_by_text("Is it eleven?")).not_to_be_visible()
    page.get_by_text("What it thought").click()
    expect(page.get_by_text("Is it eleven?")).to_be_visible()


def test_without_a_script_the_form_brings_it(live_server, fake, recipe):
    with page_of("alice", live_server.url, java_script_enabled=False) as page:
        page.goto("/ask?q=dough")
        page.get_by_role("button", name="Ask", exact=True).click()
        expect(page.locator(".outcome")).to_contain_text("Answered by")
        expect(page.locator(".source")).to_contain_text("Recipe")


def test_the_headings_of_the_pages_begin_at_one_edge(live_server, fake, recipe):
    User.objects.filter(username="alice").update(is_superuser=True)
    left = "document.querySelector('main h1').getBoundingClientRect().left"
    with page_of("alice", live_server.url, viewport={"width": 1280, "height": 800}) as page:
        edges = {page.goto(address) and page.evaluate(left) for address in ("/ask", "/spaces", "/usage")}
    assert len(edges) == 1


def test_on_a_telephone_a_banner_does_not_touch_the_picture(live_server, fake, inbox):
    item = made.picture(inbox, "teal", "A teal boat")
    made.work_through_everything()
    Team.objects.update(budget_month=0)
    budgets.forget()
    gap = (
        "document.querySelector('.stage').getBoundingClientRect().top"
        " - document.querySelector('main > .notice').getBoundingClientRect().bottom"
    )
    with page_of("alice", live_server.url, viewport={"width": 390, "height": 800}) as page:
        page.goto(f"/items/{item.public_id}")
        assert page.evaluate(gap) >= 8

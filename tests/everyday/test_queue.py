"""The operators' queue in a real browser: by mouse, by keyboard and by thumb, live without a reload."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from playwright.sync_api import expect

from searchsite.accounts.models import User
from searchsite.jobs import pausing, queue
from searchsite.jobs.models import Job, State
from searchsite.library.models import Item
from tests import made
from tests.browsing import elsewhere, eventually, looks_right, page_of
from tests.web.conftest import garden, media

__all__ = ["garden", "media"]
pytestmark = pytest.mark.django_db(transaction=True)
REASONS = ("The picture has {} megapixels.", "The file is missing.", "127.0.0.1:{}: bad input")
PHONE = {"viewport": {"width": 390, "height": 800}, "has_touch": True, "is_mobile": True}


@pytest.fixture
def items(garden) -> list[Item]:
    """Alice, who leads the house, has nine notes, of which six failed for three reasons."""
    User.objects.filter(username="alice").update(is_superuser=True, is_staff=True)
    place = made.place(User.objects.get(username="alice"), garden)
    notes = [made.note(place, f"Tulip {n}", title=f"Tulip {n}") for n in range(9)]
    for number, note in enumerate(notes[:6]):
        said = REASONS[number % 3].format(300 + number)
        failed = Job.objects.filter(subject=note.pk)
        failed.update(state=State.DEAD, attempts=3, last_error=said, finished_at="2026-01-01T10:00:00Z")
    return notes


def wait(number: int) -> None:
    """Have so many more jobs wait."""
    team_id = Job.objects.values_list("team_id", flat=True)[0]
    queue.enqueue([Job(kind="read", queue="read", team_id=team_id, subject=10_000 + n) for n in range(number)])


def end_what_waits() -> None:
    """As if it had been done one after the other in the last five minutes."""
    when = "statement_timestamp() - make_interval(secs => id % 295)"
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE job SET state = 'done', finished_at = {when} WHERE kind = 'read'")


def test_an_operator_follows_and_mends_by_mouse(live_server, items):
    with page_of("alice", live_server.url) as page:
        page.goto("/")
        page.get_by_label("Account of alice").click()
        page.get_by_role("link", name="Queue").click()
        expect(page.locator(".queue-sum")).to_contain_text("3 waiting")
        looks_right(page)
        group = page.locator(".failures").filter(has_text="megapixels")
        group.locator("summary").first.click()
        looks_right(page)
        page.evaluate("window.same = true")

        elsewhere(lambda: wait(500))
        expect(page.locator(".queue-sum")).to_contain_text("503 waiting")
        expect(group).to_have_attribute("open", "")
        elsewhere(end_what_waits)
        expect(page.locator("#stage-read .pace")).to_contain_text(re.compile("(99|10[0-9]) a minute"))

        page.get_by_role("button", name="Retry Tulip 3").click()
        expect(page.get_by_text("1 job will be tried again.")).to_be_visible()
        expect(page.locator(".queue-sum")).to_contain_text("5 failed")
        page.get_by_text("Retry everything…").click()
        page.get_by_role("button", name="Retry everything").click()
        expect(page.get_by_text("5 jobs will be tried again.")).to_be_visible()
        expect(page.get_by_text("Nothing has failed.")).to_be_visible()
        assert page.evaluate("window.same"), "it was all live"


def test_a_stage_is_paused_and_resumed_by_keyboard(live_server, items):
    with page_of("alice", live_server.url, color_scheme="dark") as page:
        page.goto("/queue")
        page.locator("#pause-embed summary").focus()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        page.keyboard.type("Too dear")
        # What is being typed outlives a change of the page.
        elsewhere(lambda: wait(7))
        expect(page.locator(".queue-sum")).to_contain_text("10 waiting")
        page.keyboard.type(" this week")
        looks_right(page)
        page.keyboard.press("Enter")
        expect(page.locator("#stage-embed")).to_contain_text("Too dear this week")
        expect(page.locator("#queue-said")).to_be_focused()
        elsewhere(lambda: None if pausing.paused() == {"embed"} else pytest.fail("it is not paused"))
        looks_right(page)
        page.locator("#resume-embed").focus()
        page.keyboard.press("Enter")
        expect(page.locator("#stage-embed .state")).to_contain_text("Working")


def test_what_waits_is_cancelled_and_what_is_missing_found_by_thumb(live_server, items):
    with page_of("alice", live_server.url, **PHONE) as page:
        page.goto("/queue")
        looks_right(page)
        page.locator("#cancel-embed summary").tap()
        looks_right(page)
        page.get_by_role("button", name="Cancel them").first.tap()
        expect(page.get_by_text("3 jobs were cancelled.")).to_be_visible()
        expect(page.locator(".failures.cancelled")).to_contain_text("Cancelled by a person")
        page.get_by_role("button", name="Look for what is missing").tap()
        expect(page.locator("#lacking-embed dd").first).to_have_text("3")
        looks_right(page)
        page.get_by_label("Process what is missing: Meaning").tap()
        page.get_by_role("button", name="Process what is missing").tap()
        expect(page.get_by_text("3 items will be processed.")).to_be_visible()
        small = page.evaluate(SMALL)
        assert small == [], small


SMALL = """[...document.querySelectorAll('.queue .button, .queue summary')].filter(
    (one) => one.checkVisibility() && one.getBoundingClientRect().height < 43.5).map((one) => one.innerText)"""


def test_it_works_without_a_script(live_server, items):
    with page_of("alice", live_server.url, java_script_enabled=False) as page:
        page.goto("/queue")
        page.locator("#retry-embed summary").click()
        page.get_by_role("button", name="Retry them").first.click()
        expect(page.get_by_text("6 jobs will be tried again.")).to_be_visible()


def test_nothing_is_sent_while_nothing_changes_or_nobody_looks(live_server, items):
    with page_of("alice", live_server.url) as page:
        answers: list[int] = []
        page.on("response", lambda one: answers.append(one.status) if "/queue/live" in one.url else None)
        page.goto("/queue")
        eventually(page, lambda: answers)
        assert set(answers) == {204}
        page.evaluate("Object.defineProperty(document, 'hidden', {value: true})")
        asked: list[str] = []
        page.on("request", lambda one: asked.append(one.url))
        page.wait_for_timeout(3500)
        assert asked == []

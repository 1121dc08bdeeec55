"""Search, say which hit it was, see how well search finds, and compare two ways of it, in a real browser."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from searchsite.accounts import teams
from searchsite.accounts.models import Role
from searchsite.library.scope import scope_for
from searchsite.quality.models import EvaluationRun, Judgement, Source, StoredQuestion
from tests import made
from tests.browsing import elsewhere, eventually, looks_right, page_of

PHONE = {"viewport": {"width": 390, "height": 800}, "has_touch": True, "is_mobile": True}
WIDE = {"viewport": {"width": 1280, "height": 860}}
COLOURS = ("teal", "red", "blue", "green", "orange", "purple")


@pytest.fixture(autouse=True)
def garden(transactional_db, tmp_path, settings, fake) -> None:
    """Pictures and notes of alice's, who leads the team; vera only looks."""
    settings.MEDIA_ROOT = tmp_path / "media"
    alice, vera = made.person("alice"), made.person("vera")
    team = made.team_of(alice)
    teams.add_member(team, vera, role=Role.VIEWER)
    inbox = made.place(alice, team)
    for colour in COLOURS:
        made.picture(inbox, colour, f"A {colour} boat", words="boat")
    for number in range(6):
        made.note(inbox, f"A boat of sort {number} in the harbour", title=f"Boat {number}")
    made.work_through_everything()
    assert scope_for(alice, team).collection_ids


def marks() -> list[tuple[str, str, int, int | None]]:
    found: list[tuple[str, str, int, int | None]] = []

    def look() -> None:
        rows = Judgement.objects.order_by("pk").values_list("source", "item__title", "grade", "place")
        found.extend(rows)

    elsewhere(look)
    return found


def card(page: Page, title: str):
    return page.locator("#cards [data-id]", has=page.get_by_role("link", name=title, exact=True))


def test_search_mark_measure_and_compare(live_server):
    with page_of("alice", live_server.url, **WIDE) as page:
        page.goto("/?q=teal+boat")
        teal = card(page, "A teal boat")
        teal.hover()
        button = teal.get_by_role("button", name="This is it")
        button.click()
        expect(button).to_have_attribute("aria-pressed", "true")
        looks_right(page)
        eventually(page, lambda: marks() == [("mark", "A teal boat", 3, None)])
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_role("button", name="Save", exact=True)).to_have_attribute("aria-pressed", "true")
        page.goto("/?q=harbour+sort+3")
        card(page, "Boat 3").locator("a.frame").focus()
        page.keyboard.press("y")
        expect(card(page, "Boat 3").locator(".mark")).to_have_attribute("aria-pressed", "true")
        page.get_by_label("Account of alice").click()
        page.get_by_role("link", name="Search quality").click()
        expect(page.get_by_text("2 questions with a marked answer")).to_be_visible()
        page.get_by_role("button", name="Measure now").click()
        expect(page.get_by_text("2 questions were asked.")).to_be_visible()
        expect(page.locator("circle")).to_have_count(3)
        looks_right(page)
        page.get_by_role("link", name="Compare two ways to search").click()
        page.get_by_label("Found by").nth(1).select_option("words alone")
        page.get_by_role("button", name="Compare").click()
        expect(page.get_by_role("heading", name="Overlap of the first ten")).to_be_visible()
        looks_right(page)
        page.get_by_role("link", name="teal boat").click()
        expect(page.locator(".beside li.answer").first).to_contain_text("A teal boat")
        looks_right(page)
        page.get_by_role("link", name="All questions").click()
        page.get_by_role("link", name="Saved questions").click()
        looks_right(page)
        page.get_by_role("button", name="Remove: teal boat").click()
        expect(page.get_by_text("No question is kept yet")).to_be_visible()


def test_what_is_opened_is_noted_and_said_in_the_viewer_by_keys(live_server):
    with page_of("alice", live_server.url, **WIDE) as page:
        page.goto("/?q=teal+boat")
        first = page.locator("#cards [data-id]").first
        title = first.locator(".title").inner_text()
        first.locator("a.frame").click()
        page.wait_for_url("**/items/*")
        eventually(page, lambda: marks() == [("click", title, 1, 1)])
        page.keyboard.press("n")
        expect(page.get_by_role("button", name="This is not it")).to_have_attribute("aria-pressed", "true")
        page.keyboard.press("y")
        yes = page.get_by_role("button", name="This is it")
        expect(yes).to_have_attribute("aria-pressed", "true")
        expect(page.get_by_role("button", name="This is not it")).to_have_attribute("aria-pressed", "false")
        looks_right(page)
        eventually(page, lambda: marks()[-1] == ("mark", title, 3, None))
        page.go_back()
        expect(first.locator(".mark")).to_have_attribute("aria-pressed", "true")
        first.hover()
        first.locator(".mark").click()
        expect(first.locator(".mark")).to_have_attribute("aria-pressed", "false")
        eventually(page, lambda: len(marks()) == 1)


def test_a_viewer_marks_with_a_thumb(live_server):
    with page_of("vera", live_server.url, **PHONE) as page:
        page.goto("/?q=teal+boat")
        expect(page.locator(".card .mark").first).to_be_hidden()
        looks_right(page)
        page.locator("#cards [data-id] a.frame").first.tap()
        page.wait_for_url("**/items/*")
        page.get_by_role("button", name="This is it").tap()
        expect(page.get_by_role("button", name="This is it")).to_have_attribute("aria-pressed", "true")
        looks_right(page)
        eventually(page, lambda: [one[0] for one in marks()].count(Source.MARK) == 1)


def test_the_figures_on_a_phone(live_server):
    def measured() -> None:
        team = StoredQuestion.objects.get().team
        for day in range(12):
            share = 0.4 + 0.03 * day
            names = ("ndcg@10", "recall@1", "recall@5", "recall@10", "mrr")
            figures = {name: share + 0.05 * at for at, name in enumerate(names)}
            setup = {"embedder": "fake 1" if day < 7 else "a network of a long name, revision 2", "space": 1}
            run = EvaluationRun.objects.create(
                team=team, origin="clock", fingerprint=str(day < 7), configuration=setup, figures=figures, asked=20
            )
            EvaluationRun.objects.filter(pk=run.pk).update(created_at=timezone.now() - timedelta(days=12 - day))

    with page_of("alice", live_server.url, **PHONE) as page:
        page.goto("/?q=teal+boat")
        page.get_by_role("button", name="Save", exact=True).tap()
        expect(page.get_by_role("button", name="Save", exact=True)).to_have_attribute("aria-pressed", "true")
        elsewhere(measured)
        page.goto("/quality")
        expect(page.locator("svg .change")).to_have_count(1)
        expect(page.locator("td", has_text=re.compile("^B "))).to_have_count(5)
        looks_right(page)
        page.goto("/quality/compare?left_mode=words&right_mode=meaning")
        looks_right(page)
        page.get_by_role("link", name="teal boat").tap()
        expect(page.locator(".beside section")).to_have_count(2)
        looks_right(page)


def test_it_works_without_a_script(live_server):
    with page_of("alice", live_server.url, **WIDE, java_script_enabled=False) as page:
        page.goto("/?q=teal+boat")
        card(page, "A teal boat").hover()
        card(page, "A teal boat").get_by_role("button", name="This is it").click()
        expect(page).to_have_url(re.compile(r"/\?q=teal\+boat$"))
        expect(card(page, "A teal boat").locator(".mark")).to_have_attribute("aria-pressed", "true")
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_role("button", name="Save", exact=True)).to_have_attribute("aria-pressed", "true")

"""Writing notes: with a preview, with pictures, on a telephone, and with somebody else at the same note."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from searchsite.library import notes
from searchsite.library.intake import Place
from searchsite.library.models import Item
from searchsite.library.notes import Draft
from tests import made
from tests.browsing import elsewhere, looks_right, page_of

GIVEN = """async ([kind, colour]) => {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 60;
  const pen = canvas.getContext("2d");
  pen.fillStyle = colour;
  pen.fillRect(0, 0, 60, 60);
  const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
  const carrier = new DataTransfer();
  carrier.items.add(new File([blob], `${colour}.png`, { type: "image/png" }));
  const how = { bubbles: true, cancelable: true, clipboardData: carrier, dataTransfer: carrier };
  const area = document.querySelector("#note-text");
  if (kind === "drop") area.dispatchEvent(new DragEvent("dragenter", how));
  area.dispatchEvent(kind === "drop" ? new DragEvent("drop", how) : new ClipboardEvent("paste", how));
}"""


@pytest.fixture
def place(transactional_db, tmp_path, settings, fake) -> Place:
    settings.MEDIA_ROOT = tmp_path / "media"
    alice = made.person("alice")
    return made.place(alice, made.team_of(alice))


def area(page: Page):
    return page.get_by_label("Text, in Markdown")


def test_a_note_is_written_with_its_preview(live_server, place):
    with page_of("alice", live_server.url) as page:
        page.goto("/upload")
        page.get_by_role("link", name="New note").click()
        page.get_by_label("Title (optional)").fill("Bread")
        area(page).fill("Rest")
        area(page).select_text()
        page.get_by_role("button", name="Bold").click()
        expect(area(page)).to_have_value("**Rest**")
        page.keyboard.press("Control+b")
        expect(area(page)).to_have_value("Rest")
        page.keyboard.press("Control+b")
        page.keyboard.press("End")
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Bold").focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        page.keyboard.type("flour")
        expect(area(page)).to_have_value("**Rest**\n- flour")
        expect(page.locator("#preview strong")).to_have_text("Rest")
        expect(page.locator("#preview li")).to_have_text("flour")
        looks_right(page)
        asked = page.evaluate("!dispatchEvent(new Event('beforeunload', { cancelable: true }))")
        page.keyboard.press("Control+s")
        expect(page.get_by_text("The note is kept.")).to_be_visible()
        expect(page.locator(".prose strong")).to_have_text("Rest")
        looks_right(page)
    assert asked and notes.text_of(Item.objects.get()) == "**Rest**\n- flour"


def test_a_pasted_or_dropped_picture_becomes_an_item(live_server, place):
    with page_of("alice", live_server.url, color_scheme="dark") as page:
        page.goto("/notes/new")
        area(page).fill("before  after")
        area(page).evaluate("(area) => area.setSelectionRange(7, 7)")
        page.evaluate(GIVEN, ["paste", "orange"])
        expect(area(page)).to_have_value(re.compile(r"^before !\[orange\]\(/items/[0-9a-f-]{36}\) after$"))
        area(page).press("Control+End")
        page.evaluate(GIVEN, ["drop", "purple"])
        expect(area(page)).to_have_value(re.compile(r"after!\[purple\]\(/items/[0-9a-f-]{36}\)$"))
        expect(page.locator(".drop-veil[data-veil=drop]")).not_to_be_visible()
        page.get_by_role("button", name="Keep the note").click()
        expect(page.get_by_text("The note is kept.")).to_be_visible()
        elsewhere(made.work_through_everything)
        page.reload()
        expect(page.locator(".prose img")).to_have_count(2)
        looks_right(page)
        page.locator(".prose img").first.click()
        expect(page.get_by_role("heading", level=1)).to_have_text("orange")
    assert Item.objects.filter(kind="text").count() == 1


def test_two_at_one_note_lose_no_words(live_server, place):
    note = made.note(place, "As it was.", "Plan")
    with page_of("alice", live_server.url, expecting="409") as page:
        page.goto(f"/items/{note.public_id}")
        page.get_by_role("link", name="Edit").click()
        area(page).fill("What alice wants.")
        elsewhere(lambda: notes.rewrite(note, Draft("Plan", "What bob wants."), scope=made.rights_of(note)))
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("alert")).to_contain_text("Somebody changed this note")
        expect(page.get_by_role("textbox", name="As it is now")).to_have_value("What bob wants.")
        expect(area(page)).to_have_value("What alice wants.")
        looks_right(page)
        area(page).fill("What both want.")
        page.get_by_role("button", name="Save mine instead").click()
        expect(page.locator(".prose")).to_have_text("What both want.")


def test_with_a_thumb_and_a_draft_that_is_offered_again(live_server, place):
    phone = {"viewport": {"width": 390, "height": 800}, "has_touch": True, "is_mobile": True}
    with page_of("alice", live_server.url, **phone) as page:
        page.goto("/notes/new")
        area(page).fill("# Unsaved")
        expect(page.get_by_text("Draft kept in this browser")).to_be_visible()
        page.get_by_role("button", name="Preview").tap()
        expect(page.get_by_role("heading", name="Unsaved")).to_be_visible()
        expect(area(page)).not_to_be_visible()
        looks_right(page)
        page.get_by_role("button", name="Write").tap()
        looks_right(page)
        again = page.context.new_page()
        again.goto("/notes/new")
        again.get_by_role("button", name="Bring them back").tap()
        expect(area(again)).to_have_value("# Unsaved")
        again.get_by_role("button", name="Keep the note").tap()
        expect(again.get_by_text("The note is kept.")).to_be_visible()
        again.goto("/notes/new")
        expect(again.get_by_role("button", name="Bring them back")).not_to_be_visible()
        expect(area(again)).to_have_value("")

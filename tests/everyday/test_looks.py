"""What pages say by their looks: guesses, copies, damage, what was saved; what is dropped, copied and tried again."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from searchsite.jobs.models import Job
from searchsite.library import intake, tags
from searchsite.library.intake import Place
from searchsite.library.models import Collection, Item, ItemTag
from tests import made
from tests.browsing import elsewhere, looks_right, page_of
from tests.library import drawn

PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 800}, "has_touch": True, "is_mobile": True}
DARK: dict[str, Any] = {"color_scheme": "dark"}
CLIPBOARD: dict[str, Any] = {"permissions": ["clipboard-read", "clipboard-write"]}


@pytest.fixture
def place(transactional_db, tmp_path, settings, fake) -> Place:
    settings.MEDIA_ROOT = tmp_path / "media"
    alice = made.person("alice")
    team = made.team_of(alice)
    Collection.objects.create(team=team, name="Walks", created_by=alice)
    return made.place(alice, team)


@pytest.fixture
def walks(place: Place) -> Place:
    """The other collection."""
    owner = place.collection.team.memberships.get().user
    return made.place(owner, place.collection.team, Collection.objects.get(name="Walks"))


@pytest.fixture
def boat(place: Place) -> Item:
    """A picture with three tags that nobody gave."""
    item = made.picture(place, "teal", "A boat")
    made.work_through_everything()
    tags.set_machine(item, ["boat", "sea", "kettle"])
    return item


@pytest.fixture
def damaged(place: Place) -> Item:
    """A picture of which nobody can make anything."""
    broken = drawn.png(100, 100, pixels=b"no zlib stream")
    item = intake.add_file(io.BytesIO(broken), "old_scan_of_a_letter.png", into=place).item
    made.work_through_everything()
    return item


def test_suggested_tags_are_told_from_given_ones_and_kept_by_one_click(live_server, boat):
    with page_of("alice", live_server.url) as page:
        page.goto(f"/items/{boat.public_id}")
        expect(page.locator(".tag-list .guess")).to_have_count(3)
        expect(page.get_by_text("Dashed: suggested by a network")).to_be_visible()
        looks_right(page)
        page.get_by_label("Add tags").fill("half a word")
        page.get_by_role("button", name="Keep the tag sea").click()
        expect(page.locator("#said")).to_contain_text("The tags are saved.")
        expect(page.locator(".tag-list .guess")).to_have_count(2)
        expect(page.get_by_role("link", name="sea", exact=True)).to_be_focused()
        page.get_by_role("button", name="Remove the tag kettle").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("link", name="kettle (suggested)")).to_have_count(0)
    with page_of("alice", live_server.url, **PHONE, **DARK) as page:
        page.goto(f"/items/{boat.public_id}")
        looks_right(page)
        page.get_by_role("button", name="Keep the tag boat").tap()
        expect(page.get_by_text("Dashed: suggested by a network")).to_have_count(0)
        elsewhere(lambda: tags.set_machine(boat, ["kettle", "harbour"]))
        page.reload()
        expect(page.locator(".tag-list .guess")).to_have_text("harbour (suggested)")
    assert set(ItemTag.objects.filter(source="person").values_list("tag__name", flat=True)) == {"boat", "sea"}


def test_what_is_saved_is_told_and_when_it_is_found(live_server, boat):
    with page_of("alice", live_server.url) as page:
        page.goto(f"/items/{boat.public_id}")
        page.get_by_label("Caption").fill("Seen from the quay")
        page.get_by_label("Caption").press("Enter")
        expect(page.locator("#said")).to_have_text("The caption is saved. Searchable in a moment.")
        expect(page.get_by_label("Caption")).to_be_focused()
        looks_right(page)
        elsewhere(made.work_through_everything)
        expect(page.locator("#said")).to_have_text("Searchable now.")
        page.get_by_label("Title").fill("A blue boat")
        page.get_by_label("Title").press("Enter")
        expect(page.locator("#said")).to_have_text("The title is saved. Searchable now.")


def test_copies_damage_and_names_of_files_are_told_on_the_cards(live_server, place, walks, damaged):
    for into in (place, walks):
        intake.add_file(io.BytesIO(drawn.jpeg(1)), "IMG_2041_final_for_the_spring_catalogue.jpg", into=into)
    made.note(place, "Hi", title="Hi")
    made.work_through_everything()
    with page_of("alice", live_server.url) as page:
        page.goto("/")
        expect(page.locator(".toolbar .count")).to_have_text("4 items")
        expect(page.locator("#cards .card")).to_have_count(4)
        expect(page.locator(".twin")).to_have_text(["In Walks", "Copy in Inbox"])
        expect(page.get_by_role("link", name="IMG 2041 final for the spring catalogue").first).to_be_visible()
        broken = page.locator(f".card[data-id='{damaged.public_id}']")
        expect(broken).to_contain_text("Could not be read")
        expect(broken).to_contain_text("This picture is damaged and cannot be read.")
        looks_right(page)
        brief, photo = (page.locator(f".card.{kind}").first.bounding_box() for kind in ("text", "image:has(img)"))
        assert brief and photo and brief["width"] < photo["width"]
        broken.get_by_role("link").first.click()
        expect(page.locator("#stage")).to_contain_text("Could not be read")
        expect(page.locator(".pill:visible")).to_have_text(["Picture: failed"])
        looks_right(page)
    with page_of("alice", live_server.url, **PHONE, **DARK) as page:
        page.goto("/")
        looks_right(page)
        heading = page.locator(".title", has_text="IMG 2041").first
        assert heading.evaluate("(one) => one.getClientRects().length && one.offsetHeight > 30")


def test_in_the_tray_what_failed_is_counted_once_and_tried_again(live_server, place):
    broken = drawn.png(60, 60, pixels=b"no zlib stream")
    with page_of("alice", live_server.url) as page:
        page.goto("/upload")
        files = [{"name": "torn.png", "mimeType": "image/png", "buffer": broken}]
        page.set_input_files("[data-upload] input[type=file]", files)
        expect(page.locator("[data-say=totals]")).to_have_text("1 being worked on")
        page.goto("/")
        tray = page.locator(".tray")
        expect(tray).to_contain_text("torn")
        elsewhere(made.work_through_everything)
        expect(tray.locator("[data-say=totals]")).to_have_text("1 taken, but could not be read")
        expect(tray.locator(".pill:visible")).to_have_text(["Picture: failed"])
        looks_right(page)
        tray.get_by_role("button", name="Try again").click()
        expect(tray.locator(".pill:visible").first).to_have_text("Picture: waiting")
        expect(tray.locator("[data-say=totals]")).to_have_text("1 being worked on")
        elsewhere(made.work_through_everything)
        expect(tray.locator("[data-say=totals]")).to_have_text("1 taken, but could not be read")
        tray.get_by_role("button", name="Try again").focus()
        page.keyboard.press("Enter")
        expect(tray.locator("[data-say=totals]")).to_have_text("1 being worked on")
    assert Job.objects.filter(kind="decode", state="ready").count() == 1


def dropped(page: Page, path: Path) -> None:
    """Drag something of the disk over the page, and let it go there."""
    session = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": kind, "x": 640, "y": 500, "data": data})


def test_a_folder_of_the_disk_is_dropped_with_all_that_is_in_it(live_server, place, tmp_path):
    holiday = tmp_path / "Holiday"
    (holiday / "deep").mkdir(parents=True)
    for number in range(3):
        (holiday / "deep" / f"sea_{number}.jpg").write_bytes(drawn.jpeg(number))
    (holiday / "notes.md").write_text("# Packing\n\nRope and lamp.\n")
    (holiday / ".DS_Store").write_text("hidden")
    with page_of("alice", live_server.url) as page:
        page.goto("/")
        dropped(page, holiday)
        expect(page.locator("[data-say=totals]")).to_have_text("4 being worked on")
        expect(page.locator("#queue .entry-name")).to_have_text(["sea_0", "sea_1", "sea_2", "notes"])
        page.get_by_text("Left out, as hidden or unreadable: 1").click()
        expect(page.get_by_text("Holiday/.DS_Store")).to_be_visible()
        expect(page.locator(".drop-veil").first).to_be_hidden()
        looks_right(page)
    assert Item.objects.count() == 4


def test_links_and_texts_are_copied(live_server, place, boat):
    with page_of("alice", live_server.url, **CLIPBOARD) as page:
        page.goto(f"/items/{boat.public_id}?in=q%3Dboat")
        page.get_by_role("textbox", name="Text in the picture").fill("Harbour\nmaster")
        page.keyboard.press("Control+Enter")
        expect(page.locator("#said")).to_contain_text("The text is saved.")
        page.get_by_role("button", name="Copy the text").click()
        expect(page.locator("#said")).to_have_text("The text is copied.")
        assert page.evaluate("navigator.clipboard.readText()") == "Harbour\nmaster"
        page.get_by_role("button", name="Copy the link").focus()
        page.keyboard.press("Enter")
        expect(page.locator("#said")).to_have_text("The link is copied.")
        assert page.evaluate("navigator.clipboard.readText()") == f"{live_server.url}/items/{boat.public_id}"

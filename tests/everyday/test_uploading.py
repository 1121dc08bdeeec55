"""Putting files in: by mouse, by keyboard, with a thumb, and over a bad connection."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, Route, expect

from searchsite.library.models import Collection, Item, Purpose
from tests import made
from tests.browsing import elsewhere, eventually, looks_right, page_of
from tests.library import drawn

REFUSED = "Failed to load resource"
FILES, PIECE = "[data-upload] input[type=file]", 4 << 20
PHONE = {"viewport": {"width": 390, "height": 800}, "has_touch": True}
BOTTOM = "document.querySelector('.tray').getBoundingClientRect().bottom"
DROP = """([kind, names]) => {
  const transfer = new DataTransfer();
  for (const [name, type, data] of names) {
    transfer.items.add(new File([Uint8Array.from(atob(data), (one) => one.charCodeAt(0))], name, { type }));
  }
  const how = { dataTransfer: transfer, clipboardData: transfer, bubbles: true, cancelable: true };
  const send = (type, where) => where.dispatchEvent(new DragEvent(type, how));
  window.dropped = (where) => { send("dragover", where); send("drop", where); };
  if (kind === "drag") return send("dragenter", document.body);
  document.activeElement.dispatchEvent(new ClipboardEvent("paste", how));
}"""


@pytest.fixture(autouse=True)
def garden(transactional_db, tmp_path, settings, fake) -> None:
    """A team of alice's, a folder of files for this test alone."""
    settings.MEDIA_ROOT = tmp_path / "media"
    alice = made.person("alice")
    team = made.team_of(alice)
    Collection.objects.create(team=team, name="Walks", created_by=alice)


@pytest.fixture
def page(live_server) -> Iterator[Page]:
    with page_of("alice", live_server.url, expecting=REFUSED) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Good files, a twin, one that is no picture, one that is empty, and hidden ones."""
    holiday = tmp_path / "Holiday"
    (holiday / "deep").mkdir(parents=True)
    for number in range(6):
        (holiday / "deep" / f"IMG_{number}.jpg").write_bytes(drawn.jpeg(number))
    (holiday / "twin.jpg").write_bytes(drawn.jpeg(0))
    (holiday / "notes.md").write_text("# Packing\n\nRope and lamp.\n")
    (holiday / "page.png").write_text("<html>")
    (holiday / "empty.jpg").touch()
    (holiday / ".DS_Store").write_text("hidden")
    return holiday


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A picture of some 12 MB."""
    path = tmp_path / "large.png"
    Image.effect_noise((3500, 3500), 90).save(path)
    return path


def rows(page: Page) -> Locator:
    return page.locator("#queue .entry")


def row(page: Page, name: str) -> Locator:
    return rows(page).filter(has_text=name)


def totals(page: Page) -> Locator:
    return page.locator("[data-say=totals]")


def drag(page: Page, *files: tuple[str, str, bytes]) -> None:
    page.evaluate(DROP, ["drag", packed(*files)])


def paste(page: Page, *files: tuple[str, str, bytes]) -> None:
    page.evaluate(DROP, ["paste", packed(*files)])


def packed(*files: tuple[str, str, bytes]) -> list[tuple[str, str, str]]:
    return [(name, kind, base64.b64encode(data).decode()) for name, kind, data in files]


def drop(page: Page, zone: str) -> None:
    page.locator(f".drop-zone[data-zone={zone}]").evaluate("(where) => window.dropped(where)")


def test_a_folder_goes_in_and_each_file_says_what_became_of_it(page, folder):
    page.goto("/upload")
    looks_right(page)
    page.set_input_files("[data-folder]", folder)
    expect(rows(page)).to_have_count(10)
    expect(totals(page)).to_contain_text("2 not taken")
    expect(totals(page)).to_contain_text("1 already here")
    expect(row(page, "empty.jpg")).to_contain_text("empty")
    expect(row(page, "twin").get_by_text("Already here:").locator("..").get_by_role("link")).to_have_attribute(
        "href", f"/items/{found('IMG_0')}"
    )
    expect(row(page, "IMG_3")).to_contain_text("Picture: waiting")
    page.get_by_text("Left out").click()
    expect(page.get_by_text("Holiday/.DS_Store")).to_be_visible()
    page.get_by_role("button", name="Only problems").click()
    expect(rows(page).locator("visible=true")).to_have_count(2)
    page.get_by_role("button", name="Only problems").click()
    looks_right(page)
    elsewhere(made.work_through_everything)
    expect(totals(page)).to_contain_text("8 ready")
    expect(page.locator("[data-say=aloud]")).to_contain_text("8 ready")
    page.get_by_role("button", name="Clear finished").click()
    expect(rows(page)).to_have_count(2)


def test_what_is_here_already_is_said_though_a_later_answer_overtakes_the_first(page, folder):
    # The list is drawn so late that it has asked once more by then.
    late = "window.setTimeout = (does, ms) => wait(does, ms === 100 ? 4000 : ms);"
    page.add_init_script(f"const wait = window.setTimeout; {late}")
    page.goto("/upload")
    page.set_input_files("[data-folder]", folder)
    expect(row(page, "twin").get_by_text("Already here:").locator("..").get_by_role("link")).to_be_visible()


def found(title: str) -> str:
    ids: list[str] = []
    elsewhere(lambda: ids.append(str(Item.objects.get(title=title).public_id)))
    return ids[0]


def test_by_keyboard_a_file_is_chosen_tried_again_and_cancelled(page, folder, live_server):
    page.goto("/upload")
    page.get_by_label("Collection").first.select_option("Walks")
    busy = {"status": 503, "content_type": "text/plain", "body": "The site is closed for a moment."}
    page.route("**/upload/tus", lambda route: route.fulfill(**{**busy, "status": 429}))
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose files").focus()
        page.keyboard.press("Enter")
    chooser.value.set_files([folder / "deep" / "IMG_1.jpg", folder / "deep" / "IMG_2.jpg"])
    expect(row(page, "IMG_1")).to_contain_text("closed for a moment")
    page.unroute("**/upload/tus")
    page.get_by_role("button", name="Try again: IMG_1.jpg").focus()
    page.keyboard.press("Enter")
    expect(row(page, "IMG_1")).to_contain_text("Picture: waiting")
    page.route("**/upload/tus", lambda route: None)
    page.get_by_role("button", name="Try again: IMG_2.jpg").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Cancel: IMG_2.jpg").focus()
    assert page.evaluate("!window.dispatchEvent(new Event('beforeunload', { cancelable: true }))")
    page.keyboard.press("Enter")
    expect(row(page, "IMG_2")).to_contain_text("Cancelled")
    expect(row(page, "IMG_2")).to_be_focused()
    expect(page.locator("#sending-head")).to_have_text("Added to “Walks”")
    assert page.evaluate("window.dispatchEvent(new Event('beforeunload', { cancelable: true }))")
    places: list[str] = []
    elsewhere(lambda: places.extend(Item.objects.values_list("collection__name", flat=True)))
    assert places == ["Walks"]


def test_a_large_file_goes_on_after_a_lost_connection_and_after_a_reload(page, large):
    tries, passed = [], []

    def piece(route: Route) -> None:
        offset = int(route.request.headers.get("upload-offset", -1))
        if offset == PIECE and len(tries) < 2:
            tries.append(offset)
            # First the connection is lost, then it hangs until the page is left.
            return route.abort() if len(tries) == 1 else None
        if route.request.method == "PATCH":
            passed.append(offset)
        return route.continue_()

    page.goto("/upload")
    page.route("**/upload/tus/*", piece)
    page.set_input_files(FILES, large)
    eventually(page, lambda: len(tries) == 2)
    page = reopened(page)
    expect(page.get_by_role("heading", name="Not finished")).to_be_visible()
    expect(page.locator(".unfinished")).to_contain_text("large.png")
    looks_right(page)
    page.route("**/upload/tus/*", piece)
    page.set_input_files(FILES, large)
    expect(page.locator(".unfinished")).to_have_count(0)
    expect(row(page, "large")).to_contain_text("Picture: waiting")
    # The one that hung may have arrived when the page was left.
    first, *others = passed
    assert first == 0 and others and min(others) >= PIECE and len(set(passed)) == len(passed)


def reopened(page: Page) -> Page:
    """The same address in a new tab of the same browser, and the old tab gone without a question."""
    tab = page.context.new_page()
    page.close()
    tab.goto("/upload")
    return tab


def test_without_a_connection_it_waits_and_goes_on_by_itself(page, folder):
    page.goto("/upload")
    page.evaluate("import('/static/web/vendor/tus.min.js')")
    page.context.set_offline(True)
    page.set_input_files(FILES, folder / "deep" / "IMG_1.jpg")
    expect(row(page, "IMG_1")).to_contain_text("No connection")
    page.context.set_offline(False)
    expect(row(page, "IMG_1")).to_contain_text("Picture: waiting")


def test_one_picture_is_dropped_on_either_of_two_zones_and_several_are_added(page):
    page.goto("/")
    drag(page, ("red.jpg", "image/jpeg", made.drawn("red")))
    expect(page.get_by_text("Search by it")).to_be_visible()
    looks_right(page)
    drop(page, "add")
    expect(page.locator(".tray")).to_contain_text("Added to “Inbox”")
    expect(page.locator(".drop-veil").first).to_be_hidden()
    drag(page, ("blue.jpg", "image/jpeg", made.drawn("blue")), ("a.txt", "text/plain", b"A rope."))
    expect(page.get_by_text("Search by it")).to_be_hidden()
    drop(page, "add")
    expect(totals(page)).to_have_text("3 being worked on")
    page.goto(f"/items/{found('blue')}")
    expect(totals(page)).to_have_text("3 being worked on")
    page.locator("main").focus()
    paste(page, ("image.png", "image/png", drawn.png(9, 9)))
    expect(row(page, "Pasted")).to_be_visible()
    looks_right(page)
    page.get_by_role("button", name="Show the list").focus()
    page.keyboard.press("Enter")
    expect(rows(page).first).to_be_hidden()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".tray")).to_be_hidden()
    expect(page.locator("#main")).to_be_focused()


def test_what_is_added_goes_to_the_collection_the_page_is_narrowed_to(page):
    chosen: list[str] = []
    elsewhere(lambda: chosen.append(str(Collection.objects.get(purpose=Purpose.NORMAL).public_id)))
    page.goto(f"/?collection={chosen[0]}")
    drag(page, ("red.jpg", "image/jpeg", made.drawn("red")))
    drop(page, "add")
    expect(page.locator("#sending-head")).to_have_text("Added to “Walks”")


def test_with_a_thumb_the_tray_is_a_sheet(live_server, folder):
    with page_of("alice", live_server.url, expecting=REFUSED, color_scheme="dark", **PHONE) as page:
        page.goto("/upload")
        looks_right(page)
        page.set_input_files(FILES, [folder / "deep" / "IMG_1.jpg", folder / "page.png"])
        expect(totals(page)).to_contain_text("1 not taken")
        looks_right(page)
        page.goto("/")
        expect(page.locator(".tray")).to_contain_text("IMG_1")
        # It slides in.
        eventually(page, lambda: page.evaluate(BOTTOM) == 800)
        box = page.locator(".tray").bounding_box()
        assert box and box["width"] == 390
        looks_right(page)
        page.get_by_role("button", name="Show the list").tap()
        expect(rows(page).first).to_be_hidden()
        page.get_by_role("button", name="Show the list").tap()
        page.get_by_role("button", name="Close the list").tap()
        expect(page.locator(".tray")).to_be_hidden()

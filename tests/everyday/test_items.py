"""Looking at items, one after the other: by mouse, by keyboard and with a thumb."""

from __future__ import annotations

import io
import re
import time
from typing import Any

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Page, expect

from searchsite.library import intake, sayings
from searchsite.library.intake import Place
from searchsite.library.models import Author, Collection, Item, PartRole
from searchsite.library.sayings import Saying, Voice
from tests import made
from tests.browsing import MOVING, come_to_rest, elsewhere, looks_right, page_of

PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 800}, "has_touch": True, "is_mobile": True}
DARK: dict[str, Any] = {"color_scheme": "dark"}
HELD = "!window.dispatchEvent(new Event('beforeunload', { cancelable: true }))"
WORDS = [["Connection", 0.1, 0.1, 0.4, 0.2], ["refused", 0.45, 0.1, 0.7, 0.2]]


@pytest.fixture
def place(transactional_db, tmp_path, settings, fake) -> Place:
    settings.MEDIA_ROOT = tmp_path / "media"
    alice = made.person("alice")
    team = made.team_of(alice)
    Collection.objects.create(team=team, name="Walks", created_by=alice)
    return made.place(alice, team)


@pytest.fixture
def three(place: Place) -> list[Item]:
    """Three pictures, the newest last; the large one is in the middle of the list."""
    out = io.BytesIO()
    large = Image.new("RGB", (3000, 2000), "navy")
    ImageDraw.Draw(large).ellipse((900, 500, 2100, 1500), fill="gold")
    large.save(out, "JPEG")
    found = [made.picture(place, "red", "A red square")]
    found.append(intake.add_file(io.BytesIO(out.getvalue()), "moon.jpg", into=place, title="A large moon").item)
    found.append(made.picture(place, "teal", "A teal boat"))
    made.work_through_everything()
    voice = Voice(Author.READER, "builtin")
    sayings.write(found[1], PartRole.OCR, [Saying("Connection refused", {"words": WORDS})], voice)
    return found


def scale(page: Page) -> float:
    return float(page.locator("#stage").get_attribute("data-scale") or 0)


def zoomed(page: Page, more: bool = True) -> None:
    """Wait until the picture is larger than it was, or whole again."""
    larger = re.compile(r"^(1\.[2-9]|[2-9]|\d\d)")
    stage = page.locator("#stage")
    if more:
        expect(stage).to_have_attribute("data-scale", larger)
    else:
        expect(stage).not_to_have_attribute("data-scale", larger)


def test_from_the_list_through_the_pictures_and_back(live_server, three):
    with page_of("alice", live_server.url, **MOVING) as page:
        page.goto("/")
        page.locator("#cards li", has_text="A large moon").locator("a").first.click()
        expect(page.locator(".count")).to_have_text("2 of 3")
        expect(page.locator(".filmstrip li")).to_have_count(3)
        looks_right(page)
        page.keyboard.press("ArrowRight")
        expect(page.get_by_role("heading", level=1)).to_have_text("A red square")
        page.get_by_role("link", name="Previous: A large moon").click()
        expect(page.locator(".count")).to_have_text("2 of 3")
        page.keyboard.press("ArrowLeft")
        expect(page.locator(".count")).to_have_text("1 of 3")
        page.keyboard.press("Escape")
        expect(page).to_have_url(re.compile(r"/$"))
        expect(page.locator("#cards li", has_text="A teal boat").locator("a").first).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator(".count")).to_have_text("1 of 3")
        page.go_back()
        expect(page.locator("#cards")).to_be_visible()


def test_a_search_travels_with_its_pictures(live_server, three):
    with page_of("alice", live_server.url, **DARK) as page:
        page.goto("/?q=refused&kind=image")
        page.locator("#cards li", has_text="A large moon").locator("a").first.click()
        expect(page).to_have_url(re.compile("q%3Drefused"))
        expect(page.locator(".layer .hit")).to_have_count(1)
        expect(page.locator(".layer g").first).not_to_be_visible()
        page.keyboard.press("t")
        expect(page.locator(".layer g").first).to_be_visible()
        page.locator(".layer text").first.dblclick()
        assert page.evaluate("getSelection().toString().trim()") == "Connection"
        assert scale(page) == 1
        looks_right(page)
        page.locator("#back").click()
        expect(page).to_have_url(re.compile("q=refused&kind=image"))


def test_a_picture_is_looked_at_closely(live_server, three):
    with page_of("alice", live_server.url) as page:
        page.goto(f"/items/{three[1].public_id}")
        picture = page.locator("#stage .picture")
        expect(picture).to_have_attribute("src", re.compile("/thumbnail/2048"))
        for _ in range(4):
            page.keyboard.press("+")
        zoomed(page)
        expect(picture).to_have_attribute("src", f"/items/{three[1].public_id}/file")
        page.keyboard.press("0")
        zoomed(page, more=False)
        box = page.locator("#stage").bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 3, box["y"] + box["height"] / 3
        page.mouse.move(x, y)
        page.mouse.wheel(0, -400)
        zoomed(page)
        come_to_rest(page)
        before = picture.bounding_box()
        page.mouse.down()
        page.mouse.move(x + 40, y + 30, steps=4)
        page.mouse.up()
        come_to_rest(page)
        after = picture.bounding_box()
        assert before and after and after["x"] - before["x"] == pytest.approx(40, abs=2)
        page.get_by_role("button", name="Whole picture").click()
        zoomed(page, more=False)
        page.mouse.dblclick(x, y)
        zoomed(page)
        page.get_by_role("button", name="Smaller").click()
        page.keyboard.press("0")
        page.locator(".canvas").focus()
        page.keyboard.press("Enter")
        zoomed(page)


def touch(page: Page, *steps: list[tuple[float, float]], when: float | None = None) -> None:
    """Put fingers down, move them, lift them. when: the time that the page is told, in seconds."""
    session = page.context.new_cdp_session(page)
    told = {} if when is None else {"timestamp": when}
    for at, points in enumerate(steps):
        kind = "touchStart" if at == 0 else "touchMove"
        fingers = [{"x": x, "y": y, "id": finger} for finger, (x, y) in enumerate(points)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers, **told})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": [], **told})


def test_with_a_thumb(live_server, three):
    with page_of("alice", live_server.url, **PHONE, **DARK) as page:
        page.goto(f"/items/{three[1].public_id}?in=")
        looks_right(page)
        # The thumb rests and the other finger goes up. Where the browser may scroll by that, about every second tap
        # after it is taken for the end of its fling and gives no click.
        page.evaluate("addEventListener('touchmove', (event) => { window.kept = event.defaultPrevented; })")
        touch(page, [(190, 330), (190, 280)], [(190, 335), (190, 200)], [(190, 340), (190, 100)])
        zoomed(page)
        assert page.evaluate("kept")
        page.get_by_role("button", name="Whole picture").tap()
        zoomed(page, more=False)
        # Two taps in quick succession, however long a busy machine takes over them.
        began = time.time()
        for number in range(2):
            touch(page, [(120, 300)], when=began + 0.1 * number)
        zoomed(page)
        page.get_by_role("button", name="Whole picture").tap()
        zoomed(page, more=False)
        touch(page, [(300, 300)], [(220, 302)], [(120, 304)], [(90, 304)])
        expect(page.locator(".count")).to_have_text("3 of 3")
        small = page.evaluate(
            "[...document.querySelectorAll('.viewer-bar :is(a, button), .arrow, .zoom button, .tagging button')]"
            ".filter((one) => one.checkVisibility()).filter((one) => one.getBoundingClientRect().height < 44).length"
        )
        assert small == 0
        page.locator(".filmstrip a").first.tap()
        expect(page.locator(".count")).to_have_text("1 of 3")


def test_what_is_known_is_put_right_where_it_stands(live_server, three):
    moon = three[1]
    with page_of("alice", live_server.url) as page:
        page.goto("/")
        page.locator("#cards li", has_text="A large moon").locator("a").first.click()
        page.get_by_label("Title").fill("A half moon")
        page.get_by_label("Caption").fill("Seen from the garden")
        assert page.evaluate(HELD)
        page.keyboard.press("Enter")
        expect(page.locator("#said")).to_have_text("The caption is saved. Searchable in a moment.")
        expect(page.get_by_label("Title")).to_have_value("A half moon")
        page.get_by_label("Title").press("Enter")
        expect(page.locator("#said")).to_have_text("The title is saved. Searchable in a moment.")
        assert not page.evaluate(HELD)
        page.get_by_label("Add tags").fill("night, sky")
        page.keyboard.press("Enter")
        expect(page.get_by_role("link", name="night")).to_be_visible()
        expect(page.get_by_label("Add tags")).to_be_focused()
        page.get_by_role("button", name="Remove the tag sky").click()
        expect(page.get_by_role("link", name="sky")).to_have_count(0)
        page.get_by_role("button", name="Screenshot", exact=True).click()
        expect(page.get_by_role("button", name="Screenshot", exact=True)).to_have_attribute("aria-pressed", "true")
        page.get_by_label("Text in the picture", exact=True).fill("Connection made\nat once")
        page.keyboard.press("Control+Enter")
        expect(page.locator("#said")).to_have_text("The text is saved. Searchable in a moment.")
        looks_right(page)
        page.locator("h1").first.focus()
        page.locator("#back").focus()
        page.keyboard.press("i")
        expect(page.locator("#live")).not_to_be_visible()
        page.keyboard.press("i")
        expect(page.locator("#live")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page).to_have_url(re.compile(r"/$"))
    moon.refresh_from_db()
    assert (moon.title, moon.kind, moon.kind_set_by) == ("A half moon", "screenshot", "person")
    assert sayings.author_of(moon, PartRole.OCR) == "person"


def test_thrown_away_and_taken_back_by_keyboard(live_server, three):
    with page_of("alice", live_server.url) as page:
        page.goto("/")
        page.locator("#cards li", has_text="A large moon").locator("a").first.click()
        page.get_by_role("button", name="Move to the trash").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_text("It stays there for 30 days.")).to_be_visible()
        expect(page.locator(".count")).to_have_text("2 of 2")
        expect(page.get_by_role("button", name="Undo")).to_be_focused()
        looks_right(page)
        page.keyboard.press("Enter")
        expect(page.get_by_text("“A large moon” is back.")).to_be_visible()
        expect(page.locator(".count")).to_have_text("2 of 3")
        page.get_by_role("link", name="Move to another collection").click()
        page.get_by_role("dialog").get_by_label("Walks").check()
        page.get_by_role("dialog").get_by_role("button", name="Move").click()
        expect(page.locator(".facts-list")).to_contain_text("Walks")


def test_states_without_a_picture_look_right(live_server, place, three):
    late = intake.add_file(io.BytesIO(made.drawn("green")), "late.jpg", into=place, title="Not yet seen").item
    with page_of("alice", live_server.url, **DARK) as page:
        page.goto(f"/items/{late.public_id}")
        expect(page.get_by_text("The picture is being prepared…")).to_be_visible()
        looks_right(page)
        page.get_by_label("Title").fill("Seen soon")
        elsewhere(made.work_through_everything)
        page.get_by_label("Title").press("Enter")
        expect(page.locator("#said")).to_have_text("The title is saved. Searchable now.")
        page.locator("#back").focus()
        expect(page.locator("#stage .picture")).to_be_visible()
        page.keyboard.press("+")
        zoomed(page)

"""Files of every kind: what a browser cannot show is shown all the same, and a person's word on its kind stays."""

from __future__ import annotations

import io
from typing import Any

import pillow_heif
import pytest
from playwright.sync_api import expect

from searchsite.indexing import stages
from searchsite.library import intake
from searchsite.library.intake import Place
from searchsite.library.models import Item, Kind
from tests import made
from tests.browsing import elsewhere, looks_right, page_of
from tests.library import drawn

pillow_heif.register_heif_opener()
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 800}, "has_touch": True, "color_scheme": "dark"}


@pytest.fixture
def place(transactional_db, tmp_path, settings, fake) -> Place:
    settings.MEDIA_ROOT = tmp_path / "media"
    alice = made.person("alice")
    return made.place(alice, made.team_of(alice))


@pytest.fixture
def pictures(place: Place) -> list[Item]:
    files = {"moon.heic": "HEIF", "scan.tif": "TIFF", "rose.avif": "AVIF", "icon.ico": "ICO"}
    data = {name: io.BytesIO(drawn.encoded(drawn.photo(640, 480), kind)) for name, kind in files.items()}
    found = [intake.add_file(file, name, into=place).item for name, file in data.items()]
    made.work_through_everything()
    return found


@pytest.mark.parametrize("how", [{}, PHONE], ids=["desktop", "phone"])
def test_what_a_browser_cannot_show_is_shown_and_can_be_downloaded(live_server, pictures, how):
    with page_of("alice", live_server.url, **how) as page:
        for item in pictures:
            page.goto(f"/items/{item.public_id}")
            picture = page.locator("#stage img").first
            expect(picture).to_have_js_property("complete", True)
            expect(picture).not_to_have_js_property("naturalWidth", 0)
        looks_right(page)
        answer = page.request.get(f"/items/{pictures[0].public_id}/file")
        assert answer.headers["content-disposition"] == 'attachment; filename="moon.heic"'


def test_the_kind_that_a_person_chose_stays_when_it_is_processed_again(live_server, pictures):
    item = pictures[1]
    with page_of("alice", live_server.url) as page:
        page.goto(f"/items/{item.public_id}")
        page.get_by_role("button", name="Screenshot").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Screenshot")).to_have_attribute("aria-pressed", "true")
        elsewhere(lambda: (stages.reprocess(item), made.work_through_everything()))
        page.reload()
        expect(page.get_by_role("button", name="Screenshot")).to_have_attribute("aria-pressed", "true")
        elsewhere(lambda: check(item))


def check(item: Item) -> None:
    item.refresh_from_db()
    assert item.kind == Kind.SCREENSHOT

"""Copies in a real browser: behind the best hit, and reviewed by keyboard and with a thumb."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from searchsite.library import duplicates, tags
from searchsite.library.models import Item, ItemTag
from tests import made
from tests.browsing import looks_right, page_of
from tests.everyday.test_searching import PHONE, counted
from tests.library.conftest import take
from tests.scenes import file, scene, smaller


@pytest.fixture(autouse=True)
def album(transactional_db, tmp_path, settings, fake) -> None:
    """Two pictures with a smaller copy each, one of which is tagged, and one by itself."""
    settings.MEDIA_ROOT = tmp_path / "media"
    alice = made.person("alice")
    inbox = made.place(alice, made.team_of(alice))
    for seed, title in ((1, "Harbour"), (2, "Castle"), (3, "Forest")):
        for times in (1, 2)[: 2 - (seed == 3)]:
            item = take(file(smaller(scene(seed), times)), inbox).item
            Item.objects.filter(pk=item.pk).update(title=f"{title} {times}")
    tags.set_all(Item.objects.get(title="Harbour 2"), ["boats"])
    made.work_through_everything()
    duplicates.compare(seconds=5)


def test_copies_stand_behind_the_best_and_open_by_keyboard(live_server):
    with page_of("alice", live_server.url, viewport={"width": 1280, "height": 860}) as page:
        page.goto("/?q=harbour+castle&mode=words")
        expect(page.locator("#cards [data-id]")).to_have_count(2)
        counted(page, "4 results")
        expect(page.locator(".copies", has_text="+1 alike")).to_have_count(2)
        looks_right(page)
        page.locator(".copies").last.focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**copies=*")
        expect(page.locator("#cards [data-id]")).to_have_count(2)
        expect(page.locator(".chip", has_text="Copies of one picture")).to_be_visible()
        page.get_by_label("Remove: Copies of one picture").click()
        counted(page, "4 results")


def test_a_group_is_reviewed_by_keyboard(live_server):
    with page_of("alice", live_server.url, viewport={"width": 1280, "height": 860}) as page:
        page.goto("/")
        page.locator("summary[aria-label^='Account']").click()
        page.get_by_role("link", name="Duplicates").click()
        group = page.locator(".copies-group", has_text="Harbour")
        expect(group.get_by_role("radio").first).to_be_checked()
        looks_right(page)
        group.get_by_role("radio").first.focus()
        for key in ("ArrowDown", "ArrowUp", "Enter"):
            page.keyboard.press(key)
        expect(page.locator(".notice")).to_contain_text("1 copy is in the trash")
        expect(page.locator(".copies-group")).to_have_count(1)
        page.get_by_role("button", name="Undo").click()
        expect(page.locator(".copies-group")).to_have_count(2)
        page.locator(".copies-group", has_text="Castle").get_by_role("button", name="These are different").click()
        expect(page.locator(".copies-group")).to_have_count(1)
    assert Item.objects.filter(title__startswith="Harbour", trashed_at=None).count() == 2
    assert ItemTag.objects.filter(item__title="Harbour 1", tag__name="boats").exists()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_reviewing_with_a_thumb(live_server, scheme):
    with page_of("alice", live_server.url, color_scheme=scheme, **PHONE) as page:
        page.goto("/duplicates")
        looks_right(page)
        page.locator(".copies-group", has_text="Castle").get_by_role("radio").last.tap()
        page.locator(".copies-group", has_text="Castle").get_by_role("button").first.tap()
        expect(page.locator(".notice")).to_contain_text("1 copy is in the trash")
        page.goto("/?q=castle&mode=words")
        looks_right(page)

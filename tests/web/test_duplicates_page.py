"""The page of copies, and copies on the search page."""

from __future__ import annotations

import re

import pytest

from searchsite.accounts.models import User
from searchsite.library import collections, duplicates, tags, trash
from searchsite.library.models import Item, ItemTag
from searchsite.library.scope import scope_for
from searchsite.quality.models import Judgement
from tests import made
from tests.library.conftest import take
from tests.scenes import file, scene, smaller
from tests.served import fake as fake
from tests.web.conftest import text


@pytest.fixture
def pair(garden, fake) -> list[Item]:
    """A picture of alice's and a smaller one, in the Inbox; a copy in a place of her own."""
    alice = User.objects.get(username="alice")
    inbox = made.place(alice, garden)
    secret = collections.create_collection(garden, "Secret", maker=alice, visibility="private")
    items = [take(file(image), inbox).item for image in (scene(1), smaller(scene(1)))]
    items.append(take(file(scene(1)), made.place(alice, garden, secret)).item)
    for item, title in zip(items, ("harbour big", "harbour small", "harbour mine"), strict=True):
        Item.objects.filter(pk=item.pk).update(title=title)
    made.work_through_everything()
    duplicates.compare(seconds=5)
    return list(Item.objects.order_by("pk"))


def form(items: list[Item], **more: str) -> dict[str, object]:
    return {"id": [str(item.public_id) for item in items], **more}


def test_the_best_is_kept_and_the_rest_can_be_taken_back(alice, pair):
    tags.set_all(pair[1], ["harbour"])
    page = text(alice.get("/duplicates"))
    assert "1 group of pictures" in page and page.count('name="keep"') == 3 and "640 × 480" in page
    answer = alice.post("/duplicates/keep", form(pair, keep=str(pair[0].public_id)), follow=True)
    page = text(answer)
    assert "2 copies are in the trash" in page and "No duplicates" in page
    assert set(ItemTag.objects.filter(item=pair[0]).values_list("tag__name", flat=True)) >= {"harbour"}
    key = re.search(r'name="key" value="([^"]+)"', page)
    assert key is not None
    page = text(alice.post("/selection/undo", {"key": key[1], "next": "/duplicates"}, follow=True))
    assert "2 items are back" in page and page.count('name="keep"') == 3


def test_what_was_marked_of_a_copy_holds_for_the_one_that_is_kept(alice, pair):
    alice.post("/judgements", {"in": "q=harbour", "yes": str(pair[1].public_id)})
    alice.post("/judgements", {"in": "q=boats", "yes": str(pair[1].public_id)})
    alice.post("/judgements", {"in": "q=boats", "no": str(pair[0].public_id)})
    alice.post("/duplicates/keep", form(pair, keep=str(pair[0].public_id)))
    grades = Judgement.objects.filter(item=pair[0]).values_list("question__address", "grade")
    assert dict(grades) == {"q=harbour": 3, "q=boats": 0}


def test_different_ones_are_never_offered_again(alice, pair):
    page = text(alice.post("/duplicates/apart", form(pair, page="1"), follow=True))
    assert "not offered again" in page and "No duplicates" in page
    assert "No duplicates" in text(alice.get("/duplicates"))


def test_one_that_went_meanwhile_is_said(alice, pair):
    trash.trash(pair[1])
    for address in ("/duplicates/keep", "/duplicates/apart"):
        page = text(alice.post(address, form(pair, keep=str(pair[0].public_id)), follow=True))
        assert "Nothing was changed" in page
    assert Item.objects.filter(trashed_at=None).count() == 2


def test_nobody_sees_or_changes_what_they_may_not(signed_in, pair):
    bob, vera, charlie = (signed_in(name) for name in ("bob", "vera", "charlie"))
    page = text(bob.get("/duplicates"))
    assert page.count('name="keep"') == 2 and "harbour mine" not in page and "Secret" not in page
    assert "No duplicates" in text(vera.get("/duplicates")) and "No duplicates" in text(charlie.get("/duplicates"))
    for browser, chosen in ((bob, pair), (vera, pair[:2]), (charlie, pair[:2])):
        page = text(browser.post("/duplicates/keep", form(chosen, keep=str(pair[0].public_id)), follow=True))
        assert "Nothing was changed" in page
    assert not Item.objects.filter(trashed_at__isnull=False).exists()
    assert "/duplicates" in text(bob.get("/")) and "/duplicates" not in text(vera.get("/"))


@pytest.mark.parametrize(
    "sent", [{}, {"keep": "x", "id": ["y"]}, {"id": ["11111111-1111-4111-8111-111111111111"], "page": "zero"}]
)
def test_nonsense_is_answered_by_a_sentence(alice, pair, sent):
    for address in ("/duplicates/keep", "/duplicates/apart"):
        answer = alice.post(address, sent, follow=True)
        assert answer.status_code == 200 and "notice warning" in text(answer)


@pytest.mark.parametrize("number", ["0", "-1", "x", "99999", "9" * 30, "²"])
def test_a_page_that_is_not_there_leads_to_the_first(alice, pair, number):
    assert 'name="keep"' in text(alice.get("/duplicates", {"page": number}, follow=True))


def test_groups_are_paged(alice, garden, fake):
    user = User.objects.get(username="alice")
    places = [
        made.place(user, garden),
        made.place(user, garden, collections.create_collection(garden, "B", maker=user)),
    ]
    for seed in range(12):
        for place in places:
            take(file(scene(seed, (60, 40))), place)
    page = text(alice.get("/duplicates"))
    assert page.count("copies-group") == 10 and "Page 1 of 2" in page
    assert text(alice.get("/duplicates?page=2")).count("copies-group") == 2
    items = list(Item.objects.order_by("blob", "pk")[:2])
    answer = alice.post("/duplicates/apart", form(items, page="2"))
    assert answer["Location"] == "/duplicates?page=2"
    scope = scope_for(user, garden)
    assert len(scope.writable_ids) == 2


def test_results_show_the_best_with_a_link_to_its_copies(alice, pair):
    page = text(alice.get("/?q=harbour&mode=words"))
    assert page.count('data-id="') == 1 and "+2 alike" in page and "3 results" in page
    link = re.search(r'class="copies" href="([^"]+)"', page)
    assert link is not None
    page = text(alice.get(link[1].replace("&amp;", "&")))
    assert page.count('data-id="') == 3 and "Copies of one picture" in page and "alike</span>" not in page
    page = text(alice.get("/?q=harbour&mode=words&fold=false"))
    assert page.count('data-id="') == 3 and 'class="copies"' not in page
    # The newest are a list by date: each has its day.
    assert text(alice.get("/")).count('data-id="') == 3

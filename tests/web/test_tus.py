"""The tus protocol, spoken as a client speaks it."""

from __future__ import annotations

import base64
from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from searchsite.accounts import teams
from searchsite.accounts.models import User
from searchsite.config import Config
from searchsite.library import uploads
from searchsite.library.models import Collection, Item, Upload
from tests.library import drawn
from tests.web.conftest import text

TUS = {"Tus-Resumable": "1.0.0"}
SCRIPT = {"HX-Request": "true"}
PIECE = "application/offset+octet-stream"
PHOTO = drawn.jpeg(3)


def told(**values: str) -> str:
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in values.items())


def begin(client: Client, size: int | str = len(PHOTO), **headers: str):
    named = {"Upload-Length": str(size), "Upload-Metadata": told(filename="meadow.jpg")}
    return client.post("/upload/tus", content_type="text/plain", headers=TUS | named | headers)


def send(client: Client, where: str, data: bytes, at: int | str, **headers: str):
    return client.patch(where, data, content_type=PIECE, headers=TUS | {"Upload-Offset": str(at)} | headers)


@pytest.fixture
def where(alice) -> str:
    return begin(alice)["Location"]


def test_a_file_goes_in_by_pieces(alice, where):
    first = send(alice, where, PHOTO[:500], 0)
    assert first.status_code == 204 and first["Upload-Offset"] == "500" and first["Tus-Resumable"] == "1.0.0"
    head = alice.head(where, headers=TUS)
    assert (head["Upload-Offset"], head["Upload-Length"]) == ("500", str(len(PHOTO)))
    assert head["Cache-Control"] == "no-store" and "GMT" in head["Upload-Expires"]
    last = send(alice, where, PHOTO[500:], 500)
    assert last.status_code == 204 and last["Upload-Offset"] == str(len(PHOTO)) and Item.objects.get().title == "meadow"


def test_our_script_gets_the_entry_and_may_ask_again(alice, where):
    answer = send(alice, where, PHOTO, 0, **SCRIPT)
    assert answer.status_code == 200 and 'class="entry' in text(answer) and "meadow" in text(answer)
    assert alice.head(where, headers=TUS)["Upload-Offset"] == str(len(PHOTO))
    again = alice.post(where, headers=TUS | SCRIPT)
    assert text(again) == text(answer) and "Already here" not in text(again) and Item.objects.count() == 1


def test_a_small_file_goes_in_by_one_request(alice):
    headers = TUS | SCRIPT | {"Upload-Length": str(len(PHOTO)), "Upload-Metadata": told(filename="a.jpg")}
    answer = alice.post("/upload/tus", PHOTO, content_type=PIECE, headers=headers)
    assert answer.status_code == 201 and "entry" in text(answer) and answer["Upload-Offset"] == str(len(PHOTO))
    again = alice.post("/upload/tus", PHOTO, content_type=PIECE, headers=headers)
    assert "Already here" in text(again) and Item.objects.count() == 1


def test_a_refused_file_is_answered_with_its_sentence(alice):
    headers = TUS | {"Upload-Length": "6", "Upload-Metadata": told(filename="page.png")}
    answer = alice.post("/upload/tus", b"<html>", content_type=PIECE, headers=headers)
    assert answer.status_code == 422 and answer["Content-Type"].startswith("text/plain") and text(answer).endswith(".")
    assert not Upload.objects.exists()


def test_an_empty_file_is_refused_like_any_other(alice):
    assert begin(alice, 0).status_code == 422 and not Upload.objects.exists()


def test_it_says_what_it_can(alice):
    answer = alice.options("/upload/tus")
    assert answer.status_code == 204 and answer["Tus-Version"] == "1.0.0" and "termination" in answer["Tus-Extension"]
    assert answer["Tus-Max-Size"] == str(Config().max_file_bytes)


def test_it_goes_where_it_is_told(alice, note):
    place = Collection.objects.create(team=note.team, name="Walks")
    alice.post(
        "/upload/tus", headers=TUS | {"Upload-Length": "9", "Upload-Metadata": told(collection=str(place.public_id))}
    )
    assert Upload.objects.get().collection == place
    for wrong in (str(uuid4()), "nonsense"):
        headers = TUS | {"Upload-Length": "9", "Upload-Metadata": told(collection=wrong)}
        assert alice.post("/upload/tus", headers=headers).status_code == 404


@pytest.mark.parametrize("length", ["", "-1", "1.5", "abc", "1e3", "٣", "0x10", "+5"])
def test_a_length_must_be_a_number(alice, length):
    assert begin(alice, length).status_code == 400 and not Upload.objects.exists()


@pytest.mark.parametrize("length", [str(50 * 2**20 + 1), "9" * 19, "9" * 5000])
def test_too_much_is_refused_at_the_start(alice, length):
    assert begin(alice, length).status_code == 413 and not Upload.objects.exists()


@pytest.mark.parametrize(
    ("offset", "status"), [("-1", 400), ("", 400), ("x", 400), ("1", 409), ("9" * 4000, 409), ("0", 204)]
)
def test_an_offset_must_be_the_right_number(alice, where, offset, status):
    assert send(alice, where, b"ab", offset).status_code == status


def test_more_than_was_announced_is_refused(alice, where):
    assert send(alice, where, PHOTO + b"x", 0).status_code == 413 and Upload.objects.get().offset == 0


def test_another_type_or_version_is_refused(alice, where):
    wrong = alice.patch(where, b"x", content_type="text/plain", headers=TUS | {"Upload-Offset": "0"})
    assert wrong.status_code == 415
    for headers in ({}, {"Tus-Resumable": "0.2.2"}):
        answer = alice.patch(where, b"x", content_type=PIECE, headers=headers | {"Upload-Offset": "0"})
        assert answer.status_code == 412 and answer["Tus-Version"] == "1.0.0"


@pytest.mark.parametrize("metadata", ["filename !!!", "filename YQ", "filename a b c", "filename YQ==é"])
def test_metadata_that_is_not_base64_is_refused(alice, metadata):
    assert begin(alice, **{"Upload-Metadata": metadata}).status_code == 400


@pytest.mark.parametrize(
    "metadata",
    [
        "",
        "filename",
        "filename ,x",
        ",,,",
        told(filename="a/b\x00c.jpg"),
        told(filename="x" * 3000),
        "filename /////w==",
    ],
)
def test_odd_metadata_gets_an_answer(alice, metadata):
    assert begin(alice, **{"Upload-Metadata": metadata}).status_code == 201


def test_an_upload_is_its_owners_alone(signed_in, charlie, where):
    for other in (charlie, signed_in("bob"), signed_in("vera")):
        assert other.head(where, headers=TUS).status_code == 404
        assert send(other, where, PHOTO, 0).status_code == 404
        assert other.post(where, headers=TUS).status_code == 404
        assert other.delete(where, headers=TUS).status_code == 404
        assert other.post(f"{where.replace('tus', 'unfinished')}/discard").status_code == 404
    assert Upload.objects.get().offset == 0


def test_viewers_and_strangers_begin_none(signed_in, where):
    assert begin(signed_in("vera")).status_code == 403
    for method in ("head", "patch", "delete", "options", "post"):
        assert getattr(Client(), method)(where, headers=TUS).status_code == 401
    assert begin(Client()).status_code == 401


def test_forgery_is_refused(where):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(User.objects.get(username="alice"))
    assert begin(browser).status_code == 403
    assert send(browser, where, PHOTO, 0).status_code == 403
    assert browser.delete(where, headers=TUS).status_code == 403


def test_it_can_be_given_up(alice, where):
    assert alice.delete(where, headers=TUS).status_code == 204
    assert alice.head(where, headers=TUS).status_code == 404 and not Upload.objects.exists()


def test_giving_up_what_became_an_item_keeps_the_item(alice, where):
    send(alice, where, PHOTO, 0)
    assert alice.delete(where, headers=TUS).status_code == 204 and Item.objects.count() == 1


def test_the_page_names_what_broke_off_and_discards_it(alice, where):
    send(alice, where, PHOTO[:500], 0)
    page = text(alice.get("/upload"))
    assert "meadow.jpg" in page and "Choose the same file again" in page
    gone = text(alice.post(f"{where.replace('tus', 'unfinished')}/discard", follow=True))
    assert "is discarded" in gone and not Upload.objects.exists()


def test_the_page_names_what_is_complete_but_no_item_and_discards_it(alice, where):
    Upload.objects.update(offset=len(PHOTO))
    assert f"Discard: {Upload.objects.get().name}" in text(alice.get("/upload"))
    alice.post(f"{where.replace('tus', 'unfinished')}/discard")
    assert not Upload.objects.exists()


def test_what_moved_out_of_sight_is_not_shown_again(signed_in, note):
    bob, alice = signed_in("bob"), User.objects.get(username="alice")
    where = begin(bob)["Location"]
    send(bob, where, PHOTO, 0)
    diary = Collection.objects.create(team=note.team, name="Diary", created_by=alice, visibility="private")
    Item.objects.filter(title="meadow").update(collection=diary)
    answer = bob.post(where, headers=TUS | SCRIPT)
    assert answer.status_code == 404 and "meadow" not in text(answer)


def test_who_left_the_team_has_no_uploads_in_it(signed_in, note):
    bob = signed_in("bob")
    where = begin(bob)["Location"]
    teams.create_team("attic", User.objects.get(username="bob"))
    note.team.memberships.filter(user__username="bob").delete()
    assert bob.head(where, headers=TUS).status_code == 404
    assert send(bob, where, PHOTO, 0).status_code == 404
    assert bob.post(f"{where.replace('tus', 'unfinished')}/discard").status_code == 404


def test_what_is_over_is_gone(alice, where):
    Upload.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert alice.head(where, headers=TUS).status_code == 404
    uploads.purge_expired()
    assert send(alice, where, PHOTO, 0).status_code == 404


def test_a_post_may_stand_for_another_method(alice, where):
    headers = TUS | {"X-HTTP-Method-Override": "PATCH", "Upload-Offset": "0"}
    assert alice.post(where, PHOTO[:9], content_type=PIECE, headers=headers).status_code == 204
    assert alice.get(where, headers=TUS).status_code == 405

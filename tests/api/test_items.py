"""Items through the API: in, seen, changed, gone."""

from __future__ import annotations

import uuid

import pytest

from searchsite.library.models import Collection, Item
from tests.api.conftest import ITEMS, note, picture, upload

pytestmark = pytest.mark.django_db

JSON = "application/json"


def test_it_takes_a_picture(api) -> None:
    response = api.post(ITEMS, {"file": upload(), "title": "A leaf"})
    item = response.json()
    assert response.status_code == 201
    assert response["Location"] == f"{ITEMS}/{item['id']}"
    assert (item["kind"], item["title"], item["status"]) == ("image", "A leaf", "processing")
    assert item["stages"].keys() == {"decode", "read", "caption", "embed"}
    assert item["stages"]["decode"] == {"state": "waiting", "error": ""}
    assert (item["collection_name"], item["created_by"], item["media_type"]) == ("Inbox", "alice", "image/png")
    assert item["file_url"] == f"/items/{item['id']}/file"
    assert item["thumbnail_url"].startswith(f"/items/{item['id']}/thumbnail/")


def test_it_takes_a_text(api) -> None:
    item = note(api, "Water the roses.\n\nThen rest.", title="Garden")
    assert (item["kind"], item["title"], item["text"]) == ("text", "Garden", "Water the roses.\n\nThen rest.")
    assert (item["thumbnail_url"], item["caption"], item["tags"], item["depicts"]) == (None, None, [], [])
    assert api.get(f"{ITEMS}/{item['id']}").json() == item


def test_the_same_bytes_are_the_same_item(api) -> None:
    first, second = (api.post(ITEMS, {"file": upload()}) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]


def test_two_teams_keep_the_same_bytes_apart(caller) -> None:
    first, second = (caller(name).post(ITEMS, {"file": upload()}) for name in ("alice", "charlie"))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] != second.json()["id"]


def test_the_type_comes_from_the_bytes(api) -> None:
    item = api.post(ITEMS, {"file": upload(name="page.html", media_type="text/html")}).json()
    assert item["media_type"] == "image/png"


@pytest.mark.parametrize(
    "data",
    [b"", b"\x89", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"\xff\xd8\xff\xe0", b"%PDF-1.7 ", b"MZ\x90\x00\x03\x00\x00\x00"],
    ids=["empty", "one-byte", "png-magic", "gif-magic", "jpeg-magic", "pdf", "program"],
)
def test_what_is_no_picture_is_refused_or_fails_visibly(api, data) -> None:
    response = api.post(ITEMS, {"file": upload(data)})
    assert response.status_code in (201, 415, 422), response.content
    if response.status_code != 201:
        assert response["Content-Type"] == "application/problem+json"
        assert Item.objects.count() == 0


def test_an_empty_file_is_refused_with_a_sentence(api) -> None:
    response = api.post(ITEMS, {"file": upload(b"")})
    assert response.status_code == 422
    assert "empty" in response.json()["detail"].lower()


@pytest.mark.parametrize(
    "name",
    ["a\r\nb.png", "%2e%2e%2f.png", '"; filename="x.png', "\u202egnp.exe", "😀.png", "x" * 10_000, "CON.png",
     "<img src=x onerror=alert(1)>.png", "../../etc/passwd"],
)  # fmt: skip
def test_any_file_name_is_taken_and_cut_to_size(api, name) -> None:
    response = api.post(ITEMS, {"file": upload(name=name)})
    assert response.status_code == 201, response.content
    title = response.json()["title"]
    assert 0 < len(title) <= 255 and "\u202e" not in title and "\n" not in title


def test_a_note_with_a_nul_loses_it_and_nothing_else(api) -> None:
    assert note(api, "ro\0se", title="a\0b")["text"] == "rose"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("{", 400),
        ("[" * 100_000, 400),
        ('{"text": NaN}', 400),
        (" ", 400),
        ("null", 422),
        ("[]", 422),
        ("{}", 422),
        ('{"text": ""}', 422),
        ('{"text": "  "}', 422),
        ('{"text": 7}', 422),
        (r'{"text": "\ud800"}', 422),
        ('{"text": "a", "colour": "red"}', 422),
        ('{"text": "a", "collection": "inbox"}', 422),
        ('{"text": "a", "title": "' + "x" * 256 + '"}', 422),
        (f'{{"text": "a", "collection": "{uuid.UUID(int=1)}"}}', 404),
    ],
)
def test_a_bad_body_is_a_problem(api, body, status) -> None:
    response = api.post(ITEMS, body, content_type=JSON)
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["detail"]
    assert Item.objects.count() == 0


@pytest.mark.parametrize(
    "form",
    [{}, {"title": "only"}, {"other": "file"}, {"file": "words"}],
)
def test_a_form_without_its_file_is_a_problem(api, form) -> None:
    assert api.post(ITEMS, form).status_code == 422


def test_two_files_in_one_form_are_a_problem(api) -> None:
    assert api.post(ITEMS, {"file": [upload(), upload(picture("red"))]}).status_code == 422


def test_a_broken_form_is_a_problem(api) -> None:
    response = api.post(ITEMS, b"no parts here", content_type="multipart/form-data; boundary=x")
    assert response.status_code in (400, 422)
    response = api.post(ITEMS, b"no boundary", content_type="multipart/form-data")
    assert response.status_code in (400, 422)


def test_another_content_type_is_a_problem(api) -> None:
    assert api.post(ITEMS, '{"text": "a"}', content_type="text/plain").status_code == 415


def test_a_body_too_large_is_refused_before_it_is_read(api, settings) -> None:
    limit = settings.CONFIG.max_file_bytes
    response = api.post(ITEMS, b"x", content_type="multipart/form-data; boundary=x", CONTENT_LENGTH=limit * 20)
    assert response.status_code == 413
    assert api.post(ITEMS, {"text": "x" * (settings.CONFIG.max_text_bytes + 1)}, content_type=JSON).status_code == 413


def test_it_lists_newest_first_in_pages(api) -> None:
    ids = [note(api, f"note {number}")["id"] for number in range(5)]
    seen: list[str] = []
    cursor: str | None = ""
    for _ in range(3):
        page = api.get(ITEMS, {"limit": 2, "cursor": cursor}).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert (seen, cursor) == (ids[::-1], None)


def test_it_filters_by_kind_status_and_collection(api) -> None:
    text, image = note(api)["id"], api.post(ITEMS, {"file": upload()}).json()
    assert [one["id"] for one in api.get(f"{ITEMS}?kind=text").json()["items"]] == [text]
    assert len(api.get(f"{ITEMS}?kind=text&kind=image").json()["items"]) == 2
    assert len(api.get(f"{ITEMS}?status=processing").json()["items"]) == 2
    assert api.get(f"{ITEMS}?status=ready").json()["items"] == []
    assert len(api.get(f"{ITEMS}?collection={image['collection']}").json()["items"]) == 2


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("limit=0", 422),
        ("limit=101", 422),
        ("limit=many", 422),
        ("kind=film", 422),
        ("status=lost", 422),
        ("cursor=%27%20OR%201=1--", 400),
        ("cursor=AAAA", 400),
        ("cursor=%00", 400),
        ("collection=1", 422),
        (f"collection={uuid.UUID(int=1)}", 404),
        ("format=../../x", 200),
    ],
)
def test_a_bad_list_is_a_problem(api, query, status) -> None:
    assert api.get(f"{ITEMS}?{query}").status_code == status


def test_it_changes_what_is_given_and_nothing_else(api, garden, alice) -> None:
    item = note(api, title="Old")
    place = Collection.objects.create(team=garden, name="Roses", created_by=alice)
    change = {"title": "New", "tags": ["Red ", "summer", "red"], "collection": str(place.public_id)}
    changed = api.patch(f"{ITEMS}/{item['id']}", change, content_type=JSON)
    assert changed.status_code == 200, changed.content
    shown = changed.json()
    assert (shown["title"], sorted(shown["tags"]), shown["collection_name"]) == ("New", ["red", "summer"], "Roses")
    assert shown["text"] == item["text"]
    assert api.patch(f"{ITEMS}/{item['id']}", {"tags": []}, content_type=JSON).json()["tags"] == []


def test_a_photo_may_be_called_a_screenshot_but_never_a_text(api) -> None:
    address = f"{ITEMS}/{api.post(ITEMS, {'file': upload()}).json()['id']}"
    assert api.patch(address, {"kind": "screenshot"}, content_type=JSON).json()["kind"] == "screenshot"
    assert api.patch(address, {"kind": "text"}, content_type=JSON).status_code == 422


def test_moving_bytes_to_where_they_are_is_refused(api, garden, alice) -> None:
    place = Collection.objects.create(team=garden, name="Roses", created_by=alice)
    first = api.post(ITEMS, {"file": upload()}).json()
    second = api.post(ITEMS, {"file": upload(), "collection": str(place.public_id)})
    assert second.status_code == 201
    response = api.patch(f"{ITEMS}/{first['id']}", {"collection": str(place.public_id)}, content_type=JSON)
    assert response.status_code == 409


@pytest.mark.parametrize("change", [{"title": ""}, {"kind": "film"}, {"tags": "red"}, {"owner": "bob"}, {"tags": [""]}])
def test_a_bad_change_is_a_problem(api, change) -> None:
    assert api.patch(f"{ITEMS}/{note(api)['id']}", change, content_type=JSON).status_code == 422


def test_a_thrown_away_item_is_gone(api) -> None:
    address = f"{ITEMS}/{note(api)['id']}"
    response = api.delete(address)
    assert (response.status_code, response.content) == (204, b"")
    assert api.get(address).status_code == 404
    assert api.get(ITEMS).json()["items"] == []
    assert Item.objects.count() == 1

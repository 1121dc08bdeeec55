"""Files over HTTP: who gets them, in which type, in which part."""

from __future__ import annotations

import io
import time
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from searchsite.accounts import teams, tokens
from searchsite.accounts.models import Membership, Role, Team, Token, User
from searchsite.jobs.models import Job, Lane
from searchsite.library import collections, files, intake, items, pictures, trash
from searchsite.library.decoder import client as decoder
from searchsite.library.decoder.protocol import Policy
from searchsite.library.models import Collection, Item
from searchsite.library.scope import scope_for
from searchsite.web import watching
from tests.library import drawn
from tests.people import alice, bob

__all__ = ["alice", "bob"]
POLICY = Policy(50_000_000, 30_000, files.SIZES)
ADDRESSES = ("/items/{}/file", "/items/{}/thumbnail/480")


@pytest.fixture(autouse=True)
def media(tmp_path, settings) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def charlie(db) -> User:
    user = User.objects.create_user("charlie")
    teams.create_team("strangers", user)
    return user


@pytest.fixture
def team(alice: User, bob: User) -> Team:
    team = teams.create_team("garden", alice)
    Membership.objects.create(team=team, user=bob, role=Role.VIEWER)
    return team


@pytest.fixture
def item(alice: User, team: Team) -> Item:
    return decoded(put(alice, team, drawn.jpeg(), "red car.jpg"))


def put(user: User, team: Team, data: bytes, name: str, *, collection=None) -> Item:
    into = intake.place_for(scope_for(user, team), collection and collection.public_id, lane=Lane.NORMAL)
    return intake.add_file(io.BytesIO(data), name, into=into).item


def decoded(item: Item) -> Item:
    found = decoder.decode(files.original_path(item.blob), POLICY)
    files.write_derivatives(item.blob, found.derivatives)
    items.apply_decoded(item, found)
    return item


class Browser(Client):
    """Reads each answer to its end, which closes it."""

    def request(self, **request: Any) -> Any:
        response = super().request(**request)
        response.body = b"".join(response.streaming_content) if response.streaming else response.content
        return response


@pytest.fixture
def client() -> Browser:
    return Browser()


def signed_in(user: User) -> Browser:
    browser = Browser()
    browser.force_login(user)
    return browser


def bearer(user: User, team: Team, *scopes: str) -> dict[str, str]:
    _, secret = tokens.create_token(user, team, name="test", scopes=frozenset(scopes or ("read",)))
    return {"Authorization": f"Bearer {secret}"}


def test_an_original_comes_as_it_was_put_in(alice: User, item: Item) -> None:
    response = signed_in(alice).get(f"/items/{item.public_id}/file")
    assert response.body == files.original_path(item.blob).read_bytes()
    assert response["Content-Type"] == "image/jpeg"
    assert response["Content-Disposition"] == 'inline; filename="red car.jpg"'


def test_every_file_is_inert_and_private(alice: User, item: Item) -> None:
    for address in ADDRESSES:
        headers = signed_in(alice).get(address.format(item.public_id)).headers
        assert headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["Cache-Control"] == "private, no-cache"
        assert "Set-Cookie" not in headers


@pytest.mark.parametrize("address", ADDRESSES)
def test_the_team_gets_it_and_strangers_learn_nothing(bob, charlie, item: Item, address: str) -> None:
    assert signed_in(bob).get(address.format(item.public_id)).status_code == 200
    theirs = signed_in(charlie).get(address.format(item.public_id))
    missing = signed_in(charlie).get(address.format(uuid4()))
    assert theirs.status_code == missing.status_code == 404
    assert len(theirs.body) == len(missing.body)


def test_a_private_collection_is_its_makers(alice: User, bob: User, team: Team) -> None:
    diary = collections.create_collection(team, "Diary", maker=alice, visibility="private")
    item = put(alice, team, drawn.jpeg(), "a.jpg", collection=diary)
    answers = [signed_in(user).get(f"/items/{item.public_id}/file").status_code for user in (alice, bob)]
    assert answers == [200, 404]


def test_without_signing_in_one_is_sent_to_do_so(client: Client, item: Item) -> None:
    response = client.get(f"/items/{item.public_id}/file")
    assert (response.status_code, response["Location"].split("?")[0]) == (302, "/accounts/login/")


def test_a_token_opens_its_own_team_only(client: Client, bob, charlie, team: Team, item: Item) -> None:
    address = f"/items/{item.public_id}/file"
    theirs = charlie.memberships.get().team
    assert client.get(address, headers=bearer(bob, team)).status_code == 200
    assert client.get(address, headers=bearer(charlie, theirs)).status_code == 404
    assert client.get(address, headers=bearer(bob, team, "write")).status_code == 403


@pytest.mark.parametrize(
    "value", ["Bearer nonsense", "Bearer", "Basic YTpi", "Bearer \ud800".encode("utf-8", "replace").decode()]
)
def test_a_bad_token_is_401_even_with_a_session(alice: User, item: Item, value: str) -> None:
    response = signed_in(alice).get(f"/items/{item.public_id}/file", headers={"Authorization": value})
    assert (response.status_code, response["WWW-Authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize("size", [0, 1, 479, 99999, 10**30])
def test_only_fixed_sizes_exist(alice: User, item: Item, size: int) -> None:
    assert signed_in(alice).get(f"/items/{item.public_id}/thumbnail/{size}").status_code == 404


def test_a_thumbnail_is_there_once_the_picture_is_decoded(alice: User, team: Team) -> None:
    item = put(alice, team, drawn.jpeg(), "a.jpg")
    address = f"/items/{item.public_id}/thumbnail/480"
    before = signed_in(alice).get(address).status_code
    decoded(item)
    response = signed_in(alice).get(address)
    assert (before, response.status_code, response["Content-Type"]) == (404, 200, "image/webp")


def test_asking_for_thumbnails_makes_none(alice: User, team: Team, settings) -> None:
    browser, new = signed_in(alice), [put(alice, team, drawn.jpeg(seed), f"{seed}.jpg") for seed in range(3)]
    kept, jobs = sorted(settings.MEDIA_ROOT.rglob("*")), list(Job.objects.order_by("pk").values())
    addresses = [f"/items/{one.public_id}/thumbnail/{size}" for one in new for size in files.SIZES]
    assert {browser.get(address).status_code for address in addresses * 4} == {404}
    assert sorted(settings.MEDIA_ROOT.rglob("*")) == kept and list(Job.objects.order_by("pk").values()) == jobs


def test_what_is_in_the_trash_is_gone(alice: User, item: Item) -> None:
    trash.trash(item)
    assert signed_in(alice).get(f"/items/{item.public_id}/file").status_code == 404


def test_a_text_is_downloaded_as_text(alice: User, team: Team) -> None:
    item = put(alice, team, b"<script>alert(1)</script>", "page.txt")
    response = signed_in(alice).get(f"/items/{item.public_id}/file")
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert response["Content-Disposition"] == 'attachment; filename="page.txt"'


@pytest.mark.parametrize(
    ("kind", "media_type", "disposition"),
    [
        ("AVIF", "image/avif", 'inline; filename="rose.avif"'),
        ("BMP", "image/bmp", 'inline; filename="rose.bmp"'),
        ("TIFF", "image/tiff", 'attachment; filename="rose.tif"'),
    ],
)
def test_what_browsers_show_is_shown_and_the_rest_downloaded(
    alice: User, team: Team, kind: str, media_type: str, disposition: str
) -> None:
    item = put(alice, team, drawn.encoded(drawn.photo(), kind), "rose.png")
    response = signed_in(alice).get(f"/items/{item.public_id}/file")
    assert (response["Content-Type"], response["Content-Disposition"]) == (media_type, disposition)


def test_a_text_says_in_which_encoding_it_is(alice: User, team: Team) -> None:
    item = put(alice, team, "Привет, как дела? Хорошо.".encode("koi8-r"), "letter.txt")
    response = signed_in(alice).get(f"/items/{item.public_id}/file")
    assert response["Content-Type"] == "text/plain; charset=koi8-r"
    assert response["Content-Disposition"] == 'attachment; filename="letter.txt"'


@pytest.mark.parametrize("title", ['a"; filename="x.exe', "a\r\nSet-Cookie: x=1", "\u202egpj", "Äpfel 😀", "../../x"])
def test_no_title_breaks_out_of_its_header(alice: User, item: Item, title: str) -> None:
    Item.objects.filter(pk=item.pk).update(title=title)
    response = signed_in(alice).get(f"/items/{item.public_id}/file")
    assert response.status_code == 200
    assert response["Content-Disposition"].startswith("inline; filename")
    assert "\n" not in response["Content-Disposition"]
    assert not response.cookies


@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        ("bytes=0-9", 206, slice(0, 10)),
        ("bytes=10-", 206, slice(10, None)),
        ("bytes=-7", 206, slice(-7, None)),
        ("bytes=0-", 206, slice(0, None)),
        ("bytes=5-99999999", 206, slice(5, None)),
        ("bytes=-99999999", 206, slice(0, None)),
        ("bytes=99999999-", 416, slice(0, 0)),
        ("bytes=9-5", 416, slice(0, 0)),
        ("bytes=-0", 416, slice(0, 0)),
        ("bytes=0-1,3-4", 200, slice(0, None)),
        ("bytes=" + ",".join(f"{n}-{n}" for n in range(1000)), 200, slice(0, None)),
        ("bytes=-", 200, slice(0, None)),
        ("lines=1-2", 200, slice(0, None)),
        ("bytes=" + "9" * 400 + "-", 200, slice(0, None)),
    ],
)
def test_a_range_gives_that_part(alice: User, item: Item, asked: str, status: int, part: slice) -> None:
    whole = files.original_path(item.blob).read_bytes()
    response = signed_in(alice).get(f"/items/{item.public_id}/file", headers={"Range": asked})
    assert (response.status_code, response.body) == (status, whole[part])
    if status == 206:
        first, last = part.indices(len(whole))[:2]
        assert response["Content-Range"] == f"bytes {first}-{last - 1}/{len(whole)}"
        assert response["Content-Length"] == str(last - first)


def test_what_has_not_changed_is_not_sent_again(alice: User, item: Item) -> None:
    browser = signed_in(alice)
    for address in ADDRESSES:
        first = browser.get(address.format(item.public_id))
        again = browser.get(address.format(item.public_id), headers={"If-None-Match": first["ETag"]})
        assert (again.status_code, again.body, again["ETag"]) == (304, b"", first["ETag"])


LOSSES = {
    "they left the team": lambda bob, item: Membership.objects.filter(user=bob).delete(),
    "their account was shut": lambda bob, item: User.objects.filter(pk=bob.pk).update(is_active=False),
    "their password is another": lambda bob, item: User.objects.filter(pk=bob.pk).update(password="!"),
    "their session ended": lambda bob, item: Session.objects.all().delete(),
    "it was thrown away": lambda bob, item: trash.trash(item),
    "it is private now": lambda bob, item: Collection.objects.update(visibility="private"),
}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("address", ADDRESSES)
def test_what_a_browser_has_is_its_own_no_longer_once_a_right_is_lost(alice, bob, item: Item, address: str, loss: str):
    Collection.objects.update(created_by=alice)
    browser, asked = signed_in(bob), address.format(item.public_id)
    known = {"If-None-Match": browser.get(asked)["ETag"]}
    assert browser.get(asked, headers=known).status_code == 304
    LOSSES[loss](bob, item)
    assert browser.get(asked, headers=known).status_code in (302, 404)


def test_what_a_browser_has_stays_in_the_team_that_it_is_of(bob: User, item: Item) -> None:
    other = teams.create_team("kitchen", bob)
    browser, asked = signed_in(bob), f"/items/{item.public_id}/file"
    known = {"If-None-Match": browser.get(asked)["ETag"]}
    browser.post("/team", {"team": str(other.public_id)})
    assert browser.get(asked, headers=known).status_code == 404


@pytest.mark.parametrize("by", ["session", "token"])
@pytest.mark.parametrize("loss", ["the file is thrown away", "the door is shut"])
def test_a_file_on_its_way_ends_with_the_right_to_it(bob: User, team: Team, item: Item, by: str, loss: str) -> None:
    files.original_path(item.blob).write_bytes(b"x" * 4 * watching.CHUNK)
    client, headers = Client(), bearer(bob, team) if by == "token" else {}
    if by == "session":
        client.force_login(bob)
    pieces = client.get(f"/items/{item.public_id}/file", headers=headers).streaming_content
    next(pieces)
    if loss == "the door is shut":
        Session.objects.all().delete()
        Token.objects.all().delete()
    else:
        trash.trash(item)
    time.sleep(1.1 * watching.LOOK_SECONDS)
    with pytest.raises(watching.RightLost):
        next(pieces)


def test_to_say_that_nothing_changed_takes_two_statements(alice, item: Item, django_assert_num_queries) -> None:
    browser = signed_in(alice)
    for address in ADDRESSES:
        known = {"If-None-Match": browser.get(address.format(item.public_id))["ETag"]}
        with django_assert_num_queries(2):
            assert browser.get(address.format(item.public_id), headers=known).status_code == 304


@pytest.mark.parametrize("address", ADDRESSES)
def test_to_say_so_to_a_program_takes_three(
    bob, team, item: Item, address: str, django_assert_max_num_queries, django_capture_on_commit_callbacks
) -> None:
    program, asked = Browser(headers=bearer(bob, team)), address.format(item.public_id)
    with django_capture_on_commit_callbacks(execute=True):
        known = {"If-None-Match": program.get(asked)["ETag"]}
    with django_assert_max_num_queries(3):
        assert program.get(asked, headers=known).status_code == 304


def test_a_range_of_another_version_gives_the_whole(alice: User, item: Item) -> None:
    headers = {"Range": "bytes=0-9", "If-Range": '"other"'}
    assert signed_in(alice).get(f"/items/{item.public_id}/file", headers=headers).status_code == 200


def test_a_head_has_the_headers_and_no_body(alice: User, item: Item) -> None:
    response = signed_in(alice).head(f"/items/{item.public_id}/file")
    assert (response.status_code, response.body) == (200, b"")
    assert int(response["Content-Length"]) == item.blob.size


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_files_are_only_read(alice: User, item: Item, method: str) -> None:
    assert signed_in(alice).generic(method, f"/items/{item.public_id}/file").status_code == 405


def test_a_file_that_is_lost_is_404(alice: User, item: Item) -> None:
    files.original_path(item.blob).unlink()
    assert signed_in(alice).get(f"/items/{item.public_id}/file").status_code == 404


def test_a_picture_to_search_by_is_its_owners(alice: User, bob: User, team: Team) -> None:
    picture = pictures.add_query_picture(io.BytesIO(drawn.jpeg()), scope=scope_for(alice, team))
    mine, theirs = [signed_in(user).get(f"/pictures/{picture.public_id}") for user in (alice, bob)]
    assert (mine.status_code, mine["Content-Type"], theirs.status_code) == (200, "image/webp", 404)

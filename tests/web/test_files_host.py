"""Files at a host of their own: signed addresses that expire, and nothing else there."""

from __future__ import annotations

import http.client
import re
import time
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings as configured
from django.test import Client

from searchsite import exposure
from searchsite.accounts import teams, tokens
from searchsite.accounts.models import Membership, Team, User
from searchsite.config import Config
from searchsite.library import files, intake, items, signing, trash
from searchsite.library.decoder import client as decoder
from searchsite.library.decoder.protocol import Policy
from searchsite.library.models import Item
from searchsite.library.scope import scope_for
from tests import browsing, figures
from tests.web.conftest import picture, text

HOST = "files.example.org"
URL = f"https://{HOST}"
# What a card shows, once it does.
SHOWN = "((one) => one.naturalWidth > 100 && one.currentSrc)(document.querySelector('.card img:not(.blur)'))"
LOADED = "[...document.querySelectorAll('.card img:not(.blur), img.picture')].every((one) => one.naturalWidth > 100)"


@pytest.fixture(autouse=True)
def elsewhere(settings) -> None:
    settings.FILES_URL, settings.FILES_SECONDS = URL, 600
    settings.ALLOWED_HOSTS = ["testserver", HOST]


def put(team: Team, seed: int = 0) -> Item:
    """A decoded picture of alice's."""
    place = intake.place_for(scope_for(User.objects.get(username="alice"), team), None, lane=5)
    item = intake.add_file(picture(seed=seed), "meadow.jpg", into=place).item
    found = decoder.decode(files.original_path(item.blob), Policy(50_000_000, 30_000, files.SIZES))
    files.write_derivatives(item.blob, found.derivatives)
    items.apply_decoded(item, found)
    return item


@pytest.fixture
def photo(garden: Team) -> Item:
    return put(garden)


def ask(address: str, host: str = HOST, method: str = "get", **headers: str) -> Any:
    """What somebody gets there who brings nothing."""
    found = getattr(Client(), method)(urlsplit(address).path, headers={"Host": host, **headers})
    found.body = b"".join(found.streaming_content) if found.streaming else found.content
    return found


def thumbnail(item: Item, size: int = 480) -> str:
    return signing.shown(f"/items/{item.public_id}/thumbnail/{size}")


def test_pages_show_pictures_of_that_host(alice: Client, photo: Item) -> None:
    page = alice.get(f"/?like={photo.public_id}")
    assert f'<img src="{thumbnail(photo)}"' in text(alice.get("/"))
    stage = text(alice.get(f"/items/{photo.public_id}"))
    assert f'src="{thumbnail(photo, 2048)}"' in stage and f'href="/items/{photo.public_id}/file"' in stage
    policy = page["Content-Security-Policy"]
    assert re.findall(r"[a-z-]+ [^;]*files\.example\.org[^;]*", policy) == [f"img-src 'self' data: blob: {URL}"]


def test_the_api_gives_addresses_of_that_host(garden: Team, client: Client, photo: Item) -> None:
    _, secret = tokens.create_token(User.objects.get(username="bob"), garden, name="t", scopes=frozenset({"read"}))
    found = client.get(f"/api/v1/items/{photo.public_id}", headers={"Authorization": f"Bearer {secret}"}).json()
    assert found["thumbnail_url"] == thumbnail(photo)
    assert ask(found["file_url"]).body == files.original_path(photo.blob).read_bytes()


def test_a_file_there_needs_no_sign_in_and_is_as_inert_as_here(photo: Item) -> None:
    for address, media_type in ((thumbnail(photo), "image/webp"), (file_of(photo), "image/jpeg")):
        answer = ask(address)
        assert (answer.status_code, answer["Content-Type"]) == (200, media_type)
        assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Cross-Origin-Resource-Policy"] == "cross-origin"
        seconds = int(re.fullmatch(r"public, max-age=(\d+)", answer["Cache-Control"])[1])
        assert 0 < seconds <= configured.FILES_SECONDS
        assert "Set-Cookie" not in answer.headers and not answer.cookies and "Cookie" not in answer.get("Vary", "")


def file_of(item: Item) -> str:
    return signing.shown(f"/items/{item.public_id}/file")


def altered(address: str, photo: Item, other: Item) -> dict[str, str]:
    """Each way of changing an address."""
    until, mark = re.match(rf"{URL}/(\d+)-([\w-]+)/", address).groups()
    plain = f"/items/{photo.public_id}/thumbnail/480"
    return {
        "another size": address.replace("/480", "/2048"),
        "the whole file": address.replace("/thumbnail/480", "/file"),
        "another item": address.replace(str(photo.public_id), str(other.public_id)),
        "a longer life": address.replace(until, str(int(until) + 60)),
        "a zero before": address.replace(f"/{until}", f"/0{until}"),
        "another mark": address.replace(mark, mark[:-1] + ("A" if mark[-1] != "A" else "B")),
        "no mark": f"{URL}/{until}-{plain}",
        "a short mark": address.replace(mark, mark[:20]),
        "nothing signed": f"{URL}{plain}",
        "another page": signing.shown("/admin/"),
        "another door": signing.shown(f"/trash/{photo.public_id}/thumbnail"),
        "a size that is none": signing.shown(f"/items/{photo.public_id}/thumbnail/479"),
        "a nul": address + "%00",
        "not ascii": address.replace(mark, "ä" * 43),
        "digits of others": address.replace(until, "١٢٣"),
        "a path upwards": address.replace("/items/", "/items/../items/"),
    }


def test_an_address_that_was_altered_opens_nothing(garden: Team, photo: Item) -> None:
    ways = altered(thumbnail(photo), photo, put(garden, seed=1))
    found = {name: ask(address).status_code for name, address in ways.items()}
    figures.keep(10, "altered addresses of files", asked=len(found), opened=list(found.values()).count(200))
    assert found == dict.fromkeys(ways, 404)


def test_an_address_ends_with_its_time_and_a_clock_may_be_a_minute_off(photo: Item) -> None:
    path = urlsplit(thumbnail(photo)).path
    until = int(path[1:].partition("-")[0])
    assert signing.opened(path, until + 60) is not None
    with pytest.raises(signing.Expired):
        signing.opened(path, until + 61)
    # By the clock of whoever signs, nothing is open for longer than it says, the leeway included.
    now = time.time()
    assert 0 < until + signing.LEEWAY - now <= configured.FILES_SECONDS


def test_an_expired_address_says_so(settings, photo: Item) -> None:
    settings.FILES_SECONDS = 120
    old = signing._until(time.time() - 300)
    plain = f"/items/{photo.public_id}/thumbnail/480"
    answer = ask(f"/{old}-{signing._mark(old, plain)}{plain}")
    assert (answer.status_code, answer["Cache-Control"]) == (410, "no-store") and b"expired" in answer.body


def test_an_address_stays_the_same_for_minutes_so_that_browsers_keep_the_picture(settings) -> None:
    settings.FILES_SECONDS = 600
    moments = [signing._until(now) for now in range(1_800_000_000, 1_800_003_600)]
    assert len(set(moments)) in (14, 15)
    left = [until - now for until, now in zip(moments, range(1_800_000_000, 1_800_003_600), strict=True)]
    assert (min(left), max(left)) == (271, 540)


def test_what_is_thrown_away_is_gone_there_at_once(photo: Item) -> None:
    address = thumbnail(photo)
    trash.trash(photo)
    assert ask(address).status_code == 404


def test_who_lost_the_right_is_told_no_new_address(signed_in, garden: Team, photo: Item) -> None:
    bob = signed_in("bob")
    assert thumbnail(photo) in text(bob.get("/"))
    teams.remove_member(Membership.objects.get(team=garden, user__username="bob"))
    assert str(photo.public_id) not in text(bob.get("/"))
    for path in (f"/items/{photo.public_id}/thumbnail/480", f"/items/{photo.public_id}/file"):
        assert bob.get(path).status_code == 404


def test_nobody_is_told_an_address_of_what_they_may_not_see(signed_in, photo: Item) -> None:
    charlie = signed_in("charlie")
    one = photo.public_id
    for address in (
        f"/?like={one}",
        f"/?picture={one}",
        f"/items/{one}",
        f"/?unlike={one}",
        f"/search/facets?like={one}",
    ):
        assert HOST not in text(charlie.get(address)).replace("img-src", "")


@pytest.mark.parametrize("host", [f"{HOST}.", f"{HOST}:443", f"{HOST}:8000", HOST.upper()])
def test_nothing_else_is_there_however_its_name_is_written(garden: Team, host: str) -> None:
    for path in ("/", "/accounts/login/", "/readyz"):
        assert Client().get(path, headers={"Host": host}).status_code == 404


def test_a_host_of_files_that_differs_by_its_port_leaves_the_site_its_own(garden: Team, settings) -> None:
    settings.FILES_URL = "http://localhost:9000"
    settings.ALLOWED_HOSTS = ["localhost"]
    for host, status in (("localhost:8000", 200), ("localhost", 200), ("localhost:9000", 404)):
        assert Client().get("/accounts/login/", headers={"Host": host}).status_code == status


@pytest.mark.parametrize(
    "path",
    ["/", "/accounts/login/", "/admin/", "/api/v1/items", "/livez", "/metrics", "/static/web/css/base.css", "/x"],
)
def test_nothing_else_is_at_that_host(garden: Team, path: str) -> None:
    browser = Client()
    browser.force_login(User.objects.get(username="alice"))
    answer = browser.get(path, headers={"Host": HOST}, follow=False)
    assert (answer.status_code, answer.content) == (404, b"Nothing here.\n")
    assert "Set-Cookie" not in answer.headers and not answer.cookies
    assert Client().post(path, headers={"Host": HOST}).status_code == 405


def test_signed_addresses_are_of_no_use_at_the_site_itself(alice: Client, photo: Item) -> None:
    assert ask(thumbnail(photo), host="testserver").status_code == 404
    own = alice.get(f"/items/{photo.public_id}/thumbnail/480")
    own.close()
    assert own.status_code == 200 and own["Cross-Origin-Resource-Policy"] == "same-origin"


def test_another_key_makes_other_marks(settings, photo: Item) -> None:
    address = thumbnail(photo)
    settings.SECRET_KEY = "x" * 50
    assert thumbnail(photo) != address and ask(address).status_code == 404


def test_without_the_setting_all_is_served_here(settings, alice: Client, photo: Item) -> None:
    settings.FILES_URL = None
    answer = alice.get("/")
    assert f'<img src="/items/{photo.public_id}/thumbnail/480"' in text(answer)
    assert "img-src 'self' data: blob:;" in answer["Content-Security-Policy"]


@pytest.mark.parametrize(
    "value", ["files.example.org", "ftp://x", "https://x/y", "https://a@x", "https://x?y", "https://x; img-src *"]
)
def test_the_setting_is_a_host_alone(value: str) -> None:
    with pytest.raises(ValueError, match="a host alone"):
        Config(files_url=value)


def test_the_setting_is_https_where_the_site_is() -> None:
    assert exposure.origin("https://Files.Example.org/") == URL
    with pytest.raises(ValueError, match="FILES_URL is not https"):
        Config(https=True, files_url="http://files.example.org")
    assert Config(https=True, files_url=URL).files_url == URL


@pytest.fixture
def two_hosts(settings, live_server) -> str:
    """The site at localhost, and its files at 127.0.0.1: of a browser two origins. Returns the site's address."""
    port = urlsplit(live_server.url).port
    settings.FILES_URL, settings.ALLOWED_HOSTS = f"http://127.0.0.1:{port}", ["localhost", "127.0.0.1"]
    return f"http://localhost:{port}"


def test_over_http_a_file_comes_from_the_one_host_alone(two_hosts: str, garden: Team) -> None:
    address = urlsplit(thumbnail(put(garden)))

    def get(host: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", address.port)
        connection.request("GET", address.path, headers={"Host": f"{host}:{address.port}", "Cookie": "session=x"})
        answer = connection.getresponse()
        answer.body = answer.read()
        connection.close()
        return answer

    there, here = get("127.0.0.1"), get("localhost")
    assert (there.status, there.getheader("Set-Cookie"), there.body[8:12]) == (200, None, b"WEBP")
    assert here.status == 404


def test_a_browser_shows_pictures_of_the_other_host(two_hosts: str, garden: Team, settings) -> None:
    item = put(garden)
    with browsing.page_of("alice", two_hosts) as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto("/")
        page.locator("img[src*='/thumbnail/480']").first.wait_for()
        browsing.eventually(page, lambda: page.evaluate(LOADED))
        page.goto(f"/items/{item.public_id}")
        page.locator("#stage img.picture").wait_for()
        browsing.eventually(page, lambda: page.evaluate(LOADED))
        from_there = [one for one in asked if one.startswith(settings.FILES_URL)]
        assert any("/thumbnail/480" in one for one in from_there) and any(
            "/thumbnail/2048" in one for one in from_there
        )


def test_a_picture_whose_address_has_expired_is_fetched_from_the_site(two_hosts: str, garden: Team, settings) -> None:
    plain = f"/items/{put(garden).public_id}/thumbnail/480"
    old = int(time.time()) - 3600
    expired = f"{settings.FILES_URL}/{old}-{signing._mark(old, plain)}{plain}"
    with browsing.page_of("alice", two_hosts, expecting="410") as page:
        page.goto("/")
        page.locator("img[src*='/thumbnail/480']").first.wait_for()
        browsing.eventually(page, lambda: page.evaluate(SHOWN))
        page.evaluate("(expired) => { document.querySelector('.card img:not(.blur)').src = expired; }", expired)
        browsing.eventually(page, lambda: page.evaluate(SHOWN) == f"{two_hosts}{plain}")

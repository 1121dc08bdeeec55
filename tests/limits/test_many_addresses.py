"""Many who ask at once from few networks, and what they say of where they are."""

from __future__ import annotations

import select
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from django.db import connection

from searchsite.accounts.models import AuditEntry
from searchsite.limits import BODIES
from searchsite.web.incoming import OF_ONE_ADDRESS
from tests import figures, house
from tests.limits import serving
from tests.limits.serving import Server

PROXY = "127.0.0.9"
COOKIE = f"Cookie: csrf={'a' * 32}"
FORM = ("POST /accounts/login/ HTTP/1.1", "Content-Type: application/x-www-form-urlencoded", COOKIE)
WRONG = f"csrfmiddlewaretoken={'a' * 32}&login=nobody&password=wrong"
SETTINGS = {
    "WEB_THREADS": "16",
    "WEB_CONNECTIONS": "1024",
    "CLIENT_SECONDS": "60",
    "TRUSTED_PROXIES": PROXY,
    "VISITOR_HEADER": "Visitor",
    "METRICS_ADDRESSES": f"127.0.0.1,{PROXY},192.0.2.7",
}


@pytest.fixture(scope="module")
def server(django_db_setup, django_db_blocker, tmp_path_factory) -> Iterator[Server]:
    """A web server behind a proxy, with as many desks as there are where nobody says how many."""
    with django_db_blocker.unblock(), serving.running(tmp_path_factory.mktemp("media"), **SETTINGS) as started:
        connection.close()
        yield started


def test_bodies_from_many_addresses_leave_threads_for_all_else(server: Server) -> None:
    with ExitStack() as opened:
        slow = {}
        for number in range(6 * 60):
            here = f"127.0.0.{2 + number % 6}"
            slow[opened.enter_context(server.open(*FORM, "Content-Length: 5000", here=here))] = here
            # As many as there are desks; a desk is lent in a moment, and few may wait for one.
            time.sleep(0.1 * (number % 16 == 0))
        held = waited_for(slow, refused=len(slow) - BODIES)
        answers = [server.get(path) for path in ("/livez", "/accounts/login/")]
        threads = server.threads
    each = Counter(slow[one] for one in held)
    seconds = max(one.seconds for one in answers)
    figures.keep(10, "limits-many-bodies", opened=len(slow), waited_for=len(held), threads=threads, slowest=seconds)
    assert [one.status for one in answers] == [200, 200] and seconds < 5
    assert BODIES * 0.9 < len(held) <= BODIES and max(each.values()) <= OF_ONE_ADDRESS


def test_a_household_with_many_addresses_counts_as_one(server: Server) -> None:
    with ExitStack() as opened:
        slow = {}
        for number in range(80):
            lines = (*FORM, "Content-Length: 5000", f"Visitor: 2001:db8:7:7::{number + 1:x}")
            slow[opened.enter_context(server.open(*lines, here=PROXY))] = PROXY
            time.sleep(0.1 * (number % 16 == 0))
        held = waited_for(slow, refused=len(slow) - OF_ONE_ADDRESS)
    figures.keep(10, "limits-bodies-of-a-network", opened=len(slow), waited_for=len(held))
    assert OF_ONE_ADDRESS * 0.9 < len(held) <= OF_ONE_ADDRESS


@pytest.mark.parametrize("networks", [1, 200])
@pytest.mark.parametrize("begun", [b"", b"GET / HTTP/1.1\r\nHost: 127."], ids=["silent", "begun"])
def test_connections_that_ask_nothing_leave_room_for_others(server: Server, begun: bytes, networks: int) -> None:
    with ExitStack() as opened:
        mine = opened.enter_context(server.open("GET /livez HTTP/1.1"))
        for number in range(1200):
            idle = opened.enter_context(silent(server, f"127.0.0.{2 + number % networks}"))
            idle.sendall(begun)
        asked = server.get("/livez")
        assert mine.recv(12) == b"HTTP/1.1 200"
    figures.keep(10, "limits-idle-connections", opened=1200, seconds=round(asked.seconds, 1))
    assert asked.status == 200 and asked.seconds < 15, "nothing that is silent is kept for less than 30 s else"


def test_of_more_networks_than_connections_that_are_left_none_loses_its_only_one(server: Server) -> None:
    with ExitStack() as opened:
        addresses = [f"127.0.{1 + number // 250}.{1 + number % 250}" for number in range(600)]
        held = [opened.enter_context(silent(server, here)) for here in addresses]
        time.sleep(3)
        assert not [one for one in held if ended(one)]


def test_whoever_keeps_most_loses_first_and_never_what_is_under_way(server: Server) -> None:
    """A body that comes is kept, and so is each connection of those who keep few."""
    with ExitStack() as opened:
        coming = [opened.enter_context(server.open(*FORM, "Content-Length: 5000", here="127.0.8.8")) for _ in range(40)]
        few = [opened.enter_context(silent(server, "127.0.8.9")) for _ in range(40)]
        many = [opened.enter_context(silent(server, "127.0.8.10")) for _ in range(600)]
        for _ in range(30):
            for one in coming:
                one.sendall(b"a" * 10)
            time.sleep(0.1)
        assert [sum(map(ended, some)) for some in (coming, few)] == [0, 0]
        assert sum(map(ended, many)) >= 600 - 512


def silent(server: Server, here: str) -> socket.socket:
    """A connection by which nothing comes."""
    one = socket.socket()
    one.settimeout(20)
    one.bind((here, 0))
    one.connect(("127.0.0.1", server.port))
    return one


def ended(one: socket.socket) -> bool:
    """Whether the server has closed it."""
    one.setblocking(False)
    try:
        return one.recv(1 << 16) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True
    finally:
        one.setblocking(True)


@pytest.mark.parametrize("spelling", ["X-Forwarded-For", "X_Forwarded_For", "X-Forwarded_For", "_Visitor", "Visitor_"])
def test_what_a_client_writes_takes_nothing_from_the_proxys_word(transactional_db, server: Server, spelling) -> None:
    """The server calls each spelling of X-Forwarded-For the same, and keeps the last."""
    said = ("Visitor: 192.0.2.7", f"{spelling}: 198.51.100.1")
    for lines in (said, said[::-1]):
        with server.open(*FORM, *lines, f"Content-Length: {len(WRONG)}", here=PROXY) as client:
            client.sendall(WRONG.encode())
            assert client.recv(12) == b"HTTP/1.1 200"
        assert AuditEntry.objects.latest("id").address == "192.0.2.7"


@pytest.mark.parametrize(
    "line",
    [
        "Visitor: 127.0.0.1",
        "Visitor: 192.0.2.7",
        "Visitor: nonsense",
        "X-Forwarded-For: 127.0.0.1",
        "X_Forwarded_For: 127.0.0.1",
        "X_Forwarded_Proto: https",
        "X-Real-IP: 127.0.0.1",
        "Forwarded: for=127.0.0.1",
        "Via: 1.1 proxy",
    ],
)
@pytest.mark.parametrize("here", ["127.0.0.1", PROXY])
def test_what_is_passed_on_finds_no_metrics_whatever_it_says(server: Server, here: str, line: str) -> None:
    # The bodies of the tests before may just end, all at once.
    house.wait_until(lambda: status(server, here) == 200, seconds=10)
    assert status(server, here, line) == 404


def status(server: Server, here: str, *lines: str) -> int:
    with server.open("GET /metrics HTTP/1.1", *lines, here=here) as client:
        return int(client.recv(12)[9:12])


def waited_for(slow: dict[socket.socket, str], *, refused: int) -> list[socket.socket]:
    """Those whose bodies are waited for, once so many others were refused."""
    until, said = time.monotonic() + 15, list[socket.socket]()
    while len(said) < refused and time.monotonic() < until:
        said, _, _ = select.select(list(slow), [], [], 0)
        time.sleep(0.1)
    assert {one.recv(12) for one in said} == {b"HTTP/1.1 503"}
    return [one for one in slow if one not in said]

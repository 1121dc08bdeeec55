"""Slow clients, and many of them, with bodies without an end: each is cut off, and the site goes on."""

from __future__ import annotations

import socket
import time
from collections import Counter
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path

import pytest

from searchsite.accounts.models import Team, User
from tests import figures, made
from tests.limits.besieged import (
    LARGE,
    PEOPLE,
    STREAMS,
    answerer,
    connections,
    everyone,
    large_file,
    server,
    started,
    token_of,
)
from tests.limits.serving import Server

__all__ = ["answerer", "everyone", "large_file", "server", "started"]
# A browser that has been here before: what it sends is read to look for the token against forgery.
FORM = (
    "POST /accounts/login/ HTTP/1.1",
    "Content-Type: application/x-www-form-urlencoded",
    f"Cookie: csrf={'a' * 32}",
)


def test_bodies_that_never_come_hold_nobody_up_and_are_cut_off(server: Server) -> None:
    began = time.monotonic()
    with ExitStack() as held:
        slow = [held.enter_context(server.open(*FORM, "Content-Length: 5000")) for _ in range(50)]
        page = server.get("/accounts/login/")
        assert page.status == 200 and page.seconds < 5
        assert {one.recv(12) for one in slow} <= {b"", b"HTTP/1.1 503", b"HTTP/1.1 408"}
    took = time.monotonic() - began
    figures.keep(10, "limits-slow-bodies", opened=50, closed=50, seconds=round(took, 1))
    assert took < 25, "they have 3 s each"
    assert server.get("/accounts/login/").status == 200


def test_who_reads_nothing_is_cut_off_and_has_few_downloads(server: Server, everyone: list[str], large_file) -> None:
    head = (f"GET {large_file} HTTP/1.1", f"Cookie: session={everyone[0]}")
    with ExitStack() as held:
        slow = [held.enter_context(server.open(*head, receives=4096)) for _ in range(12)]
        began, said = time.monotonic(), Counter(int(one.recv(12)[9:12]) for one in slow)
        assert said == {200: 6, 429: 6}
        other = server.get(large_file, everyone[1])
        assert other.status == 200 and len(other.text) > LARGE / 2, "others have theirs meanwhile"
        while server.get(large_file, everyone[0]).status == 429:
            assert time.monotonic() < began + 30, "what was not read is closed, and its place free"
            time.sleep(0.3)
        received = [_all_of(one) for one in slow[:2]]
    figures.keep(10, "limits-slow-readers", opened=12, refused=said[429], whole=received.count(LARGE))
    assert max(received) < LARGE


def test_what_is_sent_for_long_keeps_no_connection(server: Server, everyone: list[str], large_file: str) -> None:
    """Each looks at the right to it twice a second; all of them ask by the same few connections."""
    with ExitStack() as held:
        slow = []
        for number in range(20):
            head = (f"GET {large_file} HTTP/1.1", f"Cookie: session={everyone[number % PEOPLE]}")
            slow.append(held.enter_context(server.open(*head, receives=64 << 10)))
        assert {one.recv(12) for one in slow} == {b"HTTP/1.1 200"}
        most, before, until, read = 0, 0, time.monotonic() + 3, Counter[int]()
        while time.monotonic() < until:
            for number, one in enumerate(slow):
                read[number] += len(one.recv(128 << 10))
            # One that has just been given up may still be counted while the next is there.
            now = connections()
            most, before = max(most, min(now, before)), now
            time.sleep(0.02)
        assert min(read.values()) > 1 << 20, "each went on"
    figures.keep(6, "pool-streams", streams=len(slow), desks=4, connections=most)
    assert most <= 4 + 1 + STREAMS, "the desks, a probe, and those who look"


def test_a_body_that_never_comes_cuts_off_nobody_else_of_its_address(server: Server) -> None:
    """They may share it, behind a proxy that is not known."""
    resting = HTTPConnection("127.0.0.1", server.port, timeout=60)
    resting.request("GET", "/accounts/login/")
    resting.getresponse().read()
    with server.open(*FORM, "Content-Length: 5000") as client:
        assert client.recv(12) in (b"", b"HTTP/1.1 408")
    assert resting.sock is not None
    resting.sock.settimeout(0.5)
    with pytest.raises(TimeoutError):
        assert resting.sock.recv(1) == b"closed"
    resting.close()


def test_answers_that_do_not_end_are_few_and_hold_no_desk(server: Server, everyone: list[str]) -> None:
    made.note(made.place(User.objects.get(username="person0"), Team.objects.get()), "The dough rests.", "Dough")
    body = '{"question": "How does dough rest?", "stream": true}'
    head = ("POST /api/v1/ask HTTP/1.1", "Content-Type: application/json", f"Content-Length: {len(body)}")
    with ExitStack() as held:
        asked = []
        for number in range(40):
            token = token_of(f"person{number % PEOPLE}")
            asked.append(held.enter_context(server.open(*head, f"Authorization: Bearer {token}")))
            asked[-1].sendall(body.encode())
        said = Counter(int(one.recv(12)[9:12]) for one in asked)
        page = server.get("/search?q=dough", everyone[0])
    figures.keep(
        10, "limits-streams", opened=40, answered=said[200], refused=said[503], page_ms=round(page.seconds * 1000)
    )
    assert said[200] >= 1 and set(said) <= {200, 429, 503} and said[503] >= 20
    assert page.status == 200 and page.seconds < 5


def test_a_slow_body_that_goes_on_is_taken(server: Server) -> None:
    """Two seconds for a small form are slow, and within the time."""
    with server.open(*FORM, "Content-Length: 40") as client:
        for _ in range(4):
            time.sleep(0.4)
            client.sendall(b"login=abcd")
        assert int(client.recv(12)[9:12]) == 403, "it lacks the token against forgery"


def test_a_gigabyte_is_refused_before_it_is_read(server: Server, everyone: list[str]) -> None:
    declared = _sent(server, everyone[0], "Content-Length: 1073741824", b"\0" * (1 << 20))
    chunked = _sent(server, everyone[0], "Transfer-Encoding: chunked", b"100000\r\n" + b"\0" * (1 << 20) + b"\r\n")
    figures.keep(10, "limits-gigabyte", declared_bytes=declared, chunked_bytes=chunked)
    assert max(declared, chunked) <= 51 << 20
    assert server.get("/livez").status == 200


def _sent(server: Server, cookie: str, length: str, piece: bytes) -> int:
    """How many bytes of a gigabyte the server let come."""
    kind, sent = "Content-Type: multipart/form-data; boundary=x", 0
    with server.open("POST /upload HTTP/1.1", kind, length, f"Cookie: session={cookie}; csrf={'a' * 32}") as client:
        try:
            for _ in range(1024):
                client.sendall(piece)
                sent += len(piece)
        except OSError:
            pass
    return sent


@pytest.mark.parametrize(
    "lines",
    [
        ("GET /livez HTTP/1.1", f"X-Long: {'x' * 600_000}"),
        ("GET /livez HTTP/1.1", *(f"X-{number}: x" for number in range(300))),
        (f"GET /search?q={'x' * 100_000} HTTP/1.1",),
        ("GET /livez HTTP/1.1", "Content-Length: 5", "Content-Length: 6"),
        ("nonsense",),
    ],
    ids=["a header", "many headers", "an address", "two lengths", "no request"],
)
def test_what_no_request_has_is_refused_by_the_server(started: tuple[Server, Path], lines: tuple[str, ...]) -> None:
    server = started[0]
    with server.open(*lines) as client:
        answer = client.recv(12)
    assert answer == b"" or 400 <= int(answer[9:12]) < 500
    assert server.get("/livez").status == 200


def _all_of(client: socket.socket) -> int:
    """How many bytes come until the end."""
    client.settimeout(5)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    number = 0
    try:
        while piece := client.recv(1 << 20):
            number += len(piece)
    except OSError:
        pass
    return number

"""Who takes too slowly or sends too little is cut off, and nobody else; by what the kernel counts of connections."""

from __future__ import annotations

import fcntl
import socket
import struct
import termios
import time
from collections.abc import Callable, Iterator

import pytest

from searchsite.web.incoming import Overdue
from searchsite.web.watchdog import LEAST_RATE, Watchdog

WINDOW, EVERY = 30.0, 5.0
Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def connect() -> Iterator[Callable[..., Pair]]:
    """Makes connections: the server's end, and the client's, which receives into so many bytes."""
    held: list[socket.socket] = []
    listening = socket.create_server(("127.0.0.1", 0))
    held.append(listening)

    def pair(receives: int = 0) -> Pair:
        client = socket.socket()
        if receives:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receives)
        client.connect(listening.getsockname())
        server = listening.accept()[0]
        server.setblocking(False)
        client.setblocking(False)
        held.extend((server, client))
        return server, client

    yield pair
    for one in held:
        one.close()


def fill(server: socket.socket, most: int = 1 << 30) -> None:
    """Send as much as the kernel takes."""
    sent = 0
    try:
        while sent < most:
            sent += server.send(bytes(min(1024, most - sent)))
    except BlockingIOError:
        pass


def drink(client: socket.socket, most: int) -> int:
    """Take so much of it, as it comes."""
    taken, until = 0, time.monotonic() + 0.2
    while taken < most and time.monotonic() < until:
        try:
            taken += len(client.recv(most - taken))
        except BlockingIOError:
            time.sleep(0.001)
    return taken


def stuck(server: socket.socket) -> bool:
    """Whether something waits, and is not on its way."""
    time.sleep(0.005)
    if not waiting(server):
        return False
    time.sleep(0.3)
    return waiting(server) > 0


def closed(meanwhile: Callable[[], object]) -> bool:
    """Whether it is closed within two windows, where this happens before each look."""
    watchdog = Watchdog(WINDOW)
    for number in range(int(2 * WINDOW / EVERY) + 1):
        meanwhile()
        if watchdog.look(number * EVERY):
            return True
    return False


def test_who_takes_nothing_is_cut_off(connect) -> None:
    server, _client = connect(4096)
    fill(server)
    assert closed(lambda: None)


def test_so_is_who_does_not_take_the_little_there_is(connect) -> None:
    server, _client = connect(4096)
    while not stuck(server):
        fill(server, 256)
    assert closed(lambda: None)


def waiting(server: socket.socket) -> int:
    """How many bytes of what was sent the client has not taken in."""
    return int(struct.unpack("i", fcntl.ioctl(server, termios.TIOCOUTQ, bytes(4)))[0])


def test_who_takes_less_than_they_have_to_is_cut_off(connect) -> None:
    server, client = connect(16 << 10)

    def slowly() -> None:
        fill(server)
        drink(client, int(LEAST_RATE * EVERY / 8))

    assert closed(slowly)


def test_who_takes_as_much_as_they_have_to_is_not(connect) -> None:
    server, client = connect(16 << 10)
    drunk: list[int] = []

    def steadily() -> None:
        left = int(1.3 * LEAST_RATE * EVERY)
        until = time.monotonic() + 5
        while left > 0 and time.monotonic() < until:
            fill(server)
            left -= drink(client, min(left, 16 << 10))
        drunk.append(left)
        fill(server)

    assert not closed(steadily) and max(drunk) <= 0


def test_an_answer_of_few_words_is_not_cut_off_because_the_last_are_always_on_their_way(connect) -> None:
    """Over a long way each look finds some; here they wait for a client that is late to say that it has them."""
    server, client = connect()
    found: list[int] = []

    def says() -> None:
        # Who sends something, too, says with that what has come so far, and is late with all else.
        client.send(b"x")
        server.recv(1)
        drink(client, 3 * bool(found))
        server.send(b":\n\n")
        found.append(waiting(server))

    assert not closed(says)
    assert all(found[1:]), "there was something on its way at each look"


def test_of_connections_from_one_address_the_one_is_closed_whose_body_is_overdue(connect) -> None:
    """One rests after its answer, one waits for an answer, one sends a body that does not come on."""
    pairs = {name: connect() for name in ("rests", "waits", "trickles")}
    for _server, client in pairs.values():
        client.send(b"POST / HTTP/1.1\r\n")
    time.sleep(0.05)
    pairs["rests"][0].send(b"HTTP/1.1 200 OK\r\n\r\n")
    watchdog = Watchdog(0.5)
    watchdog.look(time.monotonic())
    time.sleep(0.6)
    pairs["trickles"][1].send(b"x")
    time.sleep(0.05)
    assert watchdog.look(time.monotonic(), [Overdue("127.0.0.2", time.monotonic(), False)]) == 0, "of another address"
    assert watchdog.look(time.monotonic(), [Overdue("127.0.0.1", time.monotonic(), False)]) == 1
    assert [name for name, (_server, client) in pairs.items() if is_closed(client)] == ["trickles"]


def test_a_body_that_is_overdue_for_long_is_closed_whatever_came_of_it_when(connect) -> None:
    _server, client = connect()
    client.send(b"POST / HTTP/1.1\r\n")
    watchdog, now = Watchdog(0.1), time.monotonic()
    watchdog.look(now)
    time.sleep(0.2)
    assert watchdog.look(now + 0.2, [Overdue("127.0.0.1", now - 60, False)]) == 0
    assert watchdog.look(now + 0.2, [Overdue("127.0.0.1", now - 60, True)]) == 1


def is_closed(client: socket.socket) -> bool:
    """Whether the other end has closed it."""
    time.sleep(0.02)
    try:
        while client.recv(1024):
            pass
    except BlockingIOError:
        return False
    return True

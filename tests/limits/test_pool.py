"""A slow or full database, slow clients and many of them: who asks is told, and the site goes on."""

from __future__ import annotations

import socket
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path

import psycopg
import pytest
from django.db import connection
from django.test import Client

from searchsite.accounts import teams
from searchsite.accounts.models import Role, Team, User
from searchsite.accounts.tokens import create_token
from searchsite.library import collections, files
from searchsite.library.models import Item
from searchsite.ops import household
from searchsite.web import desks, incoming
from tests import figures, made
from tests.fake_inference import FakeInference
from tests.limits import serving
from tests.limits.serving import Server

HEALTH = ("/livez", "/readyz")
LARGE, PEOPLE = 12 << 20, 10
STREAMS = 4 + desks.LOOKS
# A browser that has been here before: what it sends is read to look for the token against forgery.
FORM = (
    "POST /accounts/login/ HTTP/1.1",
    "Content-Type: application/x-www-form-urlencoded",
    f"Cookie: csrf={'a' * 32}",
)
END_WHO_WAITS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock' AND pid <> pg_backend_pid()
"""


@pytest.fixture
def everyone(transactional_db) -> list[str]:
    """The cookies of the people of one team."""
    first, *others = [User.objects.create_user(f"person{number}") for number in range(PEOPLE)]
    team = teams.create_team("garden", first)
    collections.ensure_system(team)
    for other in others:
        teams.add_member(team, other, role=Role.EDITOR)
    return [_cookie(one) for one in (first, *others)]


@pytest.fixture(scope="module")
def answerer() -> Iterator[FakeInference]:
    """A network that takes forty seconds for an answer."""
    with FakeInference() as slow:
        slow.networks, slow.chat.pause = ("Qwen/Qwen3-8B",), 0.2
        slow.reply = lambda body: "so " * 200
        yield slow


@pytest.fixture(scope="module")
def started(django_db_setup, django_db_blocker, tmp_path_factory, answerer) -> Iterator[tuple[Server, Path]]:
    """One server for all tests of this file; it starts in some seconds."""
    media = tmp_path_factory.mktemp("media")
    asks = {"ANSWER_URL": answerer.url, "ANSWER_DIALECT": "vllm", "ANSWERER": answerer.networks[0]}
    with django_db_blocker.unblock(), serving.running(media, **asks) as server:
        connection.close()
        yield server, media


@pytest.fixture
def server(started: tuple[Server, Path], everyone: list[str], settings) -> Server:
    server, settings.MEDIA_ROOT = started
    return server


@pytest.fixture
def large_file(server: Server) -> str:
    """The address of an item whose file is large."""
    owner = User.objects.get(username="person0")
    item: Item = made.picture(made.place(owner, Team.objects.get()))
    assert item.blob is not None
    with files.original_path(item.blob).open("ab") as file:
        file.truncate(LARGE)
    return f"/items/{item.public_id}/file"


def test_a_database_that_stands_still_is_said_and_the_site_goes_on(server: Server, everyone: list[str]) -> None:
    with serving.asked_meanwhile(server, HEALTH) as health:
        with locked("item"):
            answers = serving.all_at_once(100, lambda n: server.get("/search?q=car", everyone[n % PEOPLE]))
        assert server.get("/search?q=car", everyone[0]).status == 200, "it goes on by itself"
    slowest = max(one.seconds for one in answers)
    said = Counter(one.status for one in answers)
    figures.keep(6, "pool-database-slow", asked=100, refused=said[503] + said[429], of_500=said[500], slowest=slowest)
    assert set(said) <= {503, 429} and all(int(one.headers["Retry-After"]) >= 1 for one in answers)
    assert any("took the database too long" in one.text for one in answers)
    assert any("cannot take more" in one.text for one in answers)
    assert slowest < 15, "a desk is waited for 2 s, and a lock 1.5"
    assert_healthy(health)


def test_a_statement_is_cut_and_a_program_told(server: Server, everyone: list[str]) -> None:
    token = _token("person0")
    with locked("item"):
        answer = server.get("/api/v1/items", Authorization=f"Bearer {token}")
    assert answer.status == 503 and answer.headers["Content-Type"].startswith("application/problem+json")
    assert int(answer.headers["Retry-After"]) >= 1 and "Ask for less" in answer.text
    assert answer.seconds < 10


def test_a_connection_that_ends_in_the_midst_of_a_request_is_said_and_the_next_has_another(
    server: Server, everyone: list[str]
) -> None:
    with ThreadPoolExecutor(2) as clients, psycopg.connect(_conninfo(), autocommit=True) as operator:
        with locked("item"):
            page = clients.submit(server.get, "/search?q=car", everyone[0])
            api = clients.submit(server.get, "/api/v1/items", Authorization=f"Bearer {_token('person1')}")
            until, ended = time.monotonic() + 10, 0
            while ended < 2 and time.monotonic() < until:
                ended += len(operator.execute(END_WHO_WAITS).fetchall())
        answers = [page.result(), api.result()]
    assert ended >= 2 and [one.status for one in answers] == [503, 503]
    assert all(one.headers["Retry-After"] for one in answers)
    assert server.get("/search?q=car", everyone[0]).status == 200


def test_no_connection_left_is_said_and_health_answers(server: Server, everyone: list[str]) -> None:
    with serving.asked_meanwhile(server, HEALTH) as health, no_connections_left():
        answers = serving.all_at_once(20, lambda n: server.get("/search?q=car", everyone[n % PEOPLE]))
        said = Counter(one.status for one in answers)
    figures.keep(6, "pool-connections-exhausted", asked=20, refused=said[503], of_500=said[500])
    assert set(said) == {503} and all(one.headers["Retry-After"] for one in answers)
    assert_healthy(health)
    assert server.get("/search?q=car", everyone[0]).status == 200


def test_desks_have_no_more_connections_than_they_are(server: Server, everyone: list[str]) -> None:
    answers = serving.all_at_once(60, lambda n: server.get("/", everyone[n % PEOPLE]))
    assert {one.status for one in answers} <= {200, 429, 503}
    number = _connections()
    figures.keep(6, "pool-connections", asked_at_once=60, desks=4, connections=number)
    assert number <= 4 + 1 + STREAMS, "those of the desks, of a probe, and of streams"


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
        most, until, read = 0, time.monotonic() + 3, Counter[int]()
        while time.monotonic() < until:
            for number, one in enumerate(slow):
                read[number] += len(one.recv(128 << 10))
            most = max(most, _connections())
            time.sleep(0.02)
        assert min(read.values()) > 1 << 20, "each went on"
    figures.keep(6, "pool-streams", streams=len(slow), desks=4, connections=most)
    assert most <= 4 + STREAMS, "the desks, and those who look"


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
            token = _token(f"person{number % PEOPLE}")
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


def test_there_are_threads_for_all_who_may_wait() -> None:
    assert household.WAITING == desks.WAITING + incoming.BODIES + 8


def assert_healthy(answers: list[serving.Answer]) -> None:
    """Whoever watched got answers all the time, the slowest within a second on a machine that does nothing else."""
    assert len(answers) >= 4 and {one.status for one in answers[::2]} == {200}, "it lives"
    slowest = max(one.seconds for one in answers)
    figures.keep(6, "pool-health", asked=len(answers), slowest=round(slowest, 2))
    assert slowest < 4


@contextmanager
def locked(table: str) -> Iterator[None]:
    """Nobody reads the table meanwhile."""
    with psycopg.connect(_conninfo()) as other:
        other.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")  # type: ignore[arg-type]
        yield
        other.rollback()


@contextmanager
def no_connections_left() -> Iterator[None]:
    """End the connections of the server under test, and take all that the database has."""
    with ExitStack() as taken:
        first = taken.enter_context(psycopg.connect(_conninfo(), autocommit=True))
        connection.ensure_connection()
        ours = [first.info.backend_pid, connection.connection.info.backend_pid]
        first.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> ALL(%s)",
            [ours],
        )
        # What was just ended leaves its place a moment later.
        for _ in range(3):
            with suppress(psycopg.OperationalError):
                while True:
                    taken.enter_context(psycopg.connect(_conninfo()))
            time.sleep(0.2)
        yield


def _connections() -> int:
    """How many connections others than this process have."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        return int(cursor.fetchone()[0]) - 1


def _conninfo() -> str:
    here = connection.settings_dict
    return f"host={here['HOST']} user={here['USER']} dbname={here['NAME']} connect_timeout=5"


def _cookie(user: User) -> str:
    browser = Client()
    browser.force_login(user)
    return browser.cookies["session"].value


def _token(name: str) -> str:
    user = User.objects.get(username=name)
    return create_token(user, Team.objects.get(), name="test", scopes=frozenset({"read"}))[1]


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

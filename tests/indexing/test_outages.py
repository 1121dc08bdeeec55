"""A provider that is away, slow, full or locked, seen by two workers, each a process of its own, and by a search."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from searchsite import config as configuration
from searchsite.accounts import tokens
from searchsite.indexing import gate, provider, spaces
from searchsite.indexing.models import ProviderPause, Space
from searchsite.inference.breaker import Pace
from searchsite.inference.errors import Overloaded, Unreachable
from searchsite.inference.stages import Endpoint
from searchsite.jobs.models import Job
from searchsite.library.intake import Place
from searchsite.library.scope import scope_for
from searchsite.search.find import find
from searchsite.search.notices import AWAY
from searchsite.search.questions import Filters, Question, Term
from tests import figures, house, made
from tests.fake_inference import FakeInference

PROBE = 1.0
WORKER = """
import os, signal, threading, time
import django
django.setup()
from searchsite.indexing import worker
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
print("ready", flush=True)
parent = os.getppid()
while os.getppid() == parent and not stop.is_set():
    worker.work("embed")
    time.sleep(0.05)
"""


class Provider(FakeInference):
    """Knows when it was asked for vectors, and refuses as it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.refusal: tuple[int, str] | None = None
        self.every = 0
        """Only each n-th call is refused."""
        self.asked_at: list[float] = []
        self.refused_at: list[float] = []

    def answer(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.asked_at.append(time.monotonic())
        if self.refusal is not None and (not self.every or len(self.asked_at) % self.every == 0):
            self.refused_at.append(time.monotonic())
            return self.refusal[0], {"error": {"message": self.refusal[1]}}
        return super().answer(path, body)


@pytest.fixture
def server(monkeypatch) -> Iterator[Provider]:
    with Provider() as server:
        for name, value in settings_of(server.url).items():
            monkeypatch.setenv(name, value)
        forget()
        yield server
        forget()
    monkeypatch.undo()
    configuration.load.cache_clear()


def forget() -> None:
    provider.forget()
    configuration.load.cache_clear()


def settings_of(url: str, key: str = "") -> dict[str, str]:
    return {
        "INFERENCE_URL": url,
        "INFERENCE_KEY": key,
        "EMBEDDER": "fake",
        "READ_PICTURES": "false",
        "PROBE_SECONDS": str(PROBE),
        "EMBEDS_AT_ONCE": "2",
    }


@contextmanager
def workers(url: str, key: str = "", count: int = 2) -> Iterator[None]:
    """Two processes that embed what is queued in the tests' database."""
    home = configuration.load()
    database = f"host={home.socket_dir} user=searchsite dbname={connection.settings_dict['NAME']}"
    own = {"DATABASE_URL": database, "DJANGO_SETTINGS_MODULE": "searchsite.settings", "LOG_LEVEL": "ERROR"}
    environment = os.environ | settings_of(url, key) | own
    with ExitStack() as stack:
        running = [
            stack.enter_context(
                subprocess.Popen([sys.executable, "-c", WORKER], env=environment, stdout=subprocess.PIPE, text=True)
            )
            for _ in range(count)
        ]
        try:
            assert all(one.stdout is not None and one.stdout.readline() for one in running)
            yield
        finally:
            for one in running:
                one.terminate()


def put_in(count: int) -> Place:
    spaces.ensure_active()
    alice = made.person("alice")
    place = made.place(alice, made.team_of(alice))
    fill(place, range(count))
    return place


def fill(place: Place, numbers: Iterable[int]) -> None:
    for number in numbers:
        made.note(place, f"note number {number}")


def states() -> dict[str, int]:
    found: dict[str, int] = {}
    for state, attempts in Job.objects.filter(kind="embed").values_list("state", "attempts"):
        found[state] = found.get(state, 0) + 1
        assert attempts <= 1, "no attempt may be lost to a provider that is away"
    return found


def until_done(count: int, seconds: float) -> None:
    """Wait for all to be embedded."""
    start = time.monotonic()
    while states() != {"done": count}:
        assert time.monotonic() - start < seconds, states()
        time.sleep(0.2)


def shut() -> list[str]:
    """Who is left alone; between two probes that is somebody."""
    end = time.monotonic() + 2 * PROBE
    while not (away := gate.away()) and time.monotonic() < end:
        time.sleep(0.01)
    return [one.provider for one in away]


def searched() -> tuple[list[str], float]:
    """The notes of a search by words and meaning, and how long it took."""
    alice = made.User.objects.get(username="alice")
    start = time.monotonic()
    results = find(Question((Term(text="note"),), Filters()), scope_for(alice, made.Team.objects.get()))
    assert results.hits
    return list(results.notes), time.monotonic() - start


def answered_by_words() -> set[int]:
    """The statuses of the search page and of the API while no vectors are to be had; each finds, and says so."""
    alice, team = made.User.objects.get(username="alice"), made.Team.objects.get()
    browser = Client()
    browser.force_login(alice)
    page = browser.get("/", {"q": "note"})
    assert AWAY in unescape(page.content.decode()) and "note number" in page.content.decode()
    _, secret = tokens.create_token(alice, team, name="test", scopes=frozenset({"read"}))
    found = Client(headers={"authorization": f"Bearer {secret}"}).get("/api/v1/search", {"q": "note"})
    assert AWAY in found.json()["notes"] and found.json()["hits"]
    return {page.status_code, found.status_code}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("header", ["1", *(pytest.param(one, marks=pytest.mark.long) for one in ("-1", "DATE", "2"))])
def test_what_a_provider_forbids_is_forbidden_to_all_processes(server, header):
    """F1: each third call is refused for a second, or two; less than one is one."""
    count, seconds = 80 if header == "1" else 200, 2.0 if header == "2" else 1.0
    put_in(count)
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
    server.refusal, server.every, server.retry_after = (429, "slow down"), 3, header.replace("DATE", until)
    with workers(server.url):
        until_done(count, 120)
    assert len(server.refused_at) >= 3
    inside = [
        round(asked - refused, 2)
        for refused in server.refused_at
        for asked in server.asked_at
        if 0.2 < asked - refused < seconds - 0.02
    ]
    assert inside == []
    assert set(Job.objects.filter(kind="embed").values_list("state", "attempts")) == {("done", 1)}
    known = {"items": count, "refused": len(server.refused_at), "dead": 0, "calls_forbidden": len(inside)}
    figures.keep(3, f"F1-{header}", **known)


@pytest.mark.django_db(transaction=True)
def test_a_window_of_years_is_one_of_ten_minutes(server):
    """F1: none is asked for longer than that, nor is anything sent within it."""
    put_in(20)
    server.asked_at.clear()
    server.refusal, server.retry_after = (429, "slow down"), "99999999"
    with workers(server.url):
        time.sleep(3 * PROBE)
        (pause,) = gate.away()
        assert timedelta(minutes=9) < pause.until - pause.since <= timedelta(minutes=10, seconds=1)
        calls = len(server.asked_at)
        time.sleep(PROBE)
        assert len(server.asked_at) == calls <= 3
        ProviderPause.objects.update(until=timezone.now())
        server.refusal = server.retry_after = None
        with connection.cursor() as cursor:
            cursor.execute(f"NOTIFY {gate.CHANNEL}")
        Job.objects.filter(state="ready").update(run_at=timezone.now())
    # A process itself leaves the queue alone as long as it was asked to; a new one looks at the table.
    with workers(server.url):
        until_done(20, 60)
    figures.keep(3, "F1-years", calls=calls, dead=0)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("status", "count"), [(503, 200), *(pytest.param(one, 500, marks=pytest.mark.long) for one in (500, 503))]
)
def test_an_outage_is_met_with_few_calls_and_nothing_is_lost(server, status, count):
    """F2: five failures, then one call each interval; all is done soon after. Search goes on by words."""
    before = 100
    place = put_in(before)
    server.delay = 0.1
    with workers(server.url):
        until_done(before, 60)
        server.refusal = (status, "down for repairs")
        fill(place, range(before, before + count))
        time.sleep(max(0, server.refused_at[0] + 4 * PROBE - time.monotonic()))
        calls = [at for at in server.refused_at if at < server.refused_at[0] + 4 * PROBE]
        assert len(calls) <= 10, "five failures and what was on its way beside them, then one each interval"
        assert shut() == [server.url.removeprefix("http://")]
        notes, seconds = searched()
        assert notes and seconds < 4
        assert answered_by_words() == {200}
        server.refusal, mended = None, time.monotonic()
        until_done(before + count, 60)
    took = time.monotonic() - mended
    assert set(Job.objects.filter(kind="embed").values_list("state", flat=True)) == {"done"}
    figures.keep(3, f"F2-{status}-{count}", items=count, dead=0, calls_during=len(calls), seconds_after=round(took, 1))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "fault",
    ["refused", "closed", *(pytest.param(name, marks=pytest.mark.long) for name in ("not_tls", "no_such_host"))],
)
def test_however_it_is_out_of_reach_nothing_is_lost(server, fault):
    """F3."""
    count, port = 50, server.port
    put_in(count)
    if fault == "closed":
        server.fault = "closed"
        with workers(server.url):
            time.sleep(2 * PROBE)
            assert states().get("dead") is None
            server.fault = None
            until_done(count, 30)
        figures.keep(3, "F3-closed", items=count, dead=0)
        return
    away = {"refused": f"http://127.0.0.1:{free_port()}", "not_tls": f"https://127.0.0.1:{port}"}
    url = away.get(fault, "http://nowhere.invalid:80")
    Space.objects.update(url=url)
    with workers(url):
        time.sleep(2 * PROBE)
        assert states().keys() <= {"ready", "running"}
    Space.objects.update(url=server.url)
    with workers(server.url):
        until_done(count, 30)
    figures.keep(3, f"F3-{fault}", items=count, dead=0)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("count", [150, pytest.param(500, marks=pytest.mark.long)])
def test_a_key_that_is_refused_costs_few_calls_and_no_requeueing(server, count):
    """F10: all wait; the account is empty, then paid, and nobody does anything by hand."""
    put_in(count)
    server.asked_at.clear()
    server.refusal = (402, "Insufficient credits")
    with workers(server.url):
        while not server.asked_at:
            time.sleep(0.01)
        began = server.asked_at[0]
        time.sleep(4 * PROBE)
        calls = [at for at in server.asked_at if at < began + 4 * PROBE]
        assert len([at for at in calls if at < began + 0.9 * PROBE]) <= 3, "one of each process, and no more"
        assert len(calls) <= 3 + 4
        # But for those of which a process tries one just now.
        house.wait_until(lambda: states() == {"ready": count}, seconds=3 * PROBE)
        assert shut()
        pause = ProviderPause.objects.get()
        assert pause.kind == "key" and "Insufficient credits" in pause.reason
        server.refusal = None
        until_done(count, 60)
    assert gate.away() == []
    figures.keep(
        3,
        f"F10-{count}",
        items=count,
        dead=0,
        calls_before_the_first_probe=len([at for at in calls if at < began + 0.9]),
    )


@pytest.mark.django_db(transaction=True)
def test_another_key_is_believed_by_the_next_probe(server):
    put_in(20)
    server.key = "sk-new-secret-key"
    with workers(server.url, "sk-old-secret-key"):
        time.sleep(1.5 * PROBE)
        assert states().keys() <= {"ready", "running"}
    with workers(server.url, "sk-new-secret-key"):
        until_done(20, 30)
    assert "sk-" not in str(list(Job.objects.values_list("last_error", flat=True)))


@pytest.mark.django_db(transaction=True)
def test_of_many_processes_one_finds_out(server):
    """What one gate learns all know at once, and without asking the database again and again."""
    name = Endpoint(server.url, None, "").host
    first, second = gate.SharedGate(), gate.SharedGate()
    try:
        assert not first.enter(name) and not second.enter(name)
        error = Overloaded("slow down", retry_after=30)
        assert first.failed(name, error) == 1
        time.sleep(0.2)
        for one in (first, second):
            with pytest.raises(Overloaded, match="left alone"):
                one.enter(name)
        first.passed(name, probe=True)
        time.sleep(0.2)
        assert not second.enter(name)
    finally:
        first.close()
        second.close()


@pytest.mark.django_db(transaction=True)
def test_what_is_learnt_without_a_database_is_told_when_it_is_back(server, monkeypatch):
    monkeypatch.setattr(gate, "ALONE_SECONDS", 0.3)
    name = Endpoint(server.url, None, "").host
    first, second = gate.SharedGate(), gate.SharedGate()
    try:
        first.failed(name, Overloaded("a little", retry_after=1))
        assert first._connection is not None
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [first._connection.info.backend_pid])
        first.failed(name, Overloaded("slow down", retry_after=30))
        assert first._connection is None
        time.sleep(1.5)
        for one in (first, second):
            with pytest.raises(Overloaded, match="slow down") as caught:
                one.enter(name)
            assert 20 < (caught.value.retry_after or 0) <= 31
        assert first._connection is not None
    finally:
        first.close()
        second.close()


@pytest.mark.django_db(transaction=True)
def test_the_good_way_asks_the_database_once_a_second(server):
    one = gate.SharedGate()
    try:
        one.enter("a:1")
        start, asked = time.monotonic(), 0
        while time.monotonic() - start < 0.5:
            one.enter("a:1")
            asked += 1
        assert asked > 1000, "no round trip each time"
    finally:
        one.close()


@pytest.mark.django_db(transaction=True)
def test_threads_of_many_processes_choose_one_prober(server):
    gates = [gate.SharedGate(Pace(failures=1, probe_seconds=0.3)) for _ in range(4)]
    gates[0].failed("a:1", Unreachable("gone"))
    time.sleep(0.4)
    found: list[bool] = []

    def enter(one: gate.SharedGate) -> None:
        try:
            found.append(one.enter("a:1"))
        except Unreachable:
            found.append(False)

    threads = [threading.Thread(target=enter, args=(one,)) for one in gates for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in gates:
        one.close()
    assert found.count(True) == 1


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])

"""The database of a whole house is restarted in its midst: web server and workers are processes that find it again."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from typing import Any

import httpx
import pytest

from tests import figures
from tests.house import House, wait_until

NOTES, RESTARTS = 45, 3


@pytest.fixture
def home(running_house: House) -> House:
    """The one house of this session, started again where a test has stopped it."""
    if running_house.running.exit_code() is not None:
        running_house.again()
    return running_house


class Person(threading.Thread):
    """Puts notes in one after the other, each until it is taken, and looks at a page between."""

    def __init__(self, home: House) -> None:
        super().__init__()
        headers = {"Authorization": f"Bearer {home.token()}"}
        self.web = httpx.Client(base_url=home.base_url, headers=headers, timeout=30)
        self.taken: list[int] = []
        self.answers = Counter[tuple[int, bool]]()
        """How often each status came, and whether it said when to come again."""

    def run(self) -> None:
        for number in range(NOTES):
            note = {"text": f"Restarted note {number} of {time.time_ns()}"}
            key = {"Idempotency-Key": f"restart-{time.time_ns()}"}
            while (put := self.ask("POST", "/api/v1/items", json=note, headers=key)).status_code != 201:
                time.sleep(0.2)
            self.taken.append(put.json()["id"])
            self.ask("GET", "/accounts/login/")

    def ask(self, method: str, path: str, **given: Any) -> httpx.Response:
        answer = self.web.request(method, path, **given)
        self.answers[answer.status_code, "Retry-After" in answer.headers] += 1
        return answer

    def waits_for(self, number: int) -> str:
        return str(self.web.get(f"/api/v1/items/{number}").json().get("status"))


def restart_the_database(home: House) -> float:
    """As `pg_ctl restart -m immediate`: seconds from then on until a page comes, which also starts it anew."""
    (before, *_rest) = home.pids("postgres -D")
    os.kill(before, signal.SIGQUIT)
    wait_until(lambda: set(home.pids("postgres -D")) - {before})
    began = time.monotonic()
    wait_until(lambda: httpx.get(f"{home.base_url}/accounts/login/", timeout=30).status_code == 200)
    return time.monotonic() - began


@pytest.mark.long
@pytest.mark.timeout(600)
def test_nobody_is_told_of_a_fault_and_nothing_is_lost_when_the_database_is_restarted(home):
    """F16: in the midst of uploads and of work, three times."""
    person = Person(home)
    person.start()
    slowest = 0.0
    for number in range(1, RESTARTS + 1):
        wait_until(lambda number=number: len(person.taken) >= number * NOTES // (RESTARTS + 1) or not person.is_alive())
        slowest = max(slowest, restart_the_database(home))
    person.join(120)
    assert not person.is_alive()
    wait_until(lambda: {person.waits_for(one) for one in person.taken} == {"ready"}, 120)
    person.web.close()
    broken = sum(count for (status, _), count in person.answers.items() if status >= 500 and status != 503)
    figures.keep(
        6,
        "F16",
        notes=NOTES,
        restarts=RESTARTS,
        ready=len(person.taken),
        of_500=broken,
        told_503=person.answers[503, True],
        seconds_to_the_first_page=round(slowest, 1),
    )
    assert len(set(person.taken)) == NOTES
    assert set(person.answers) <= {(201, False), (200, False), (503, True)}
    assert slowest < 15, "5 s on a quiet machine"

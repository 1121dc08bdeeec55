"""Spaces are switched twice while a new one is filled and workers die: each search uses one space, nothing is lost."""

from __future__ import annotations

import random
import threading
import time

import numpy as np
import pytest
from django.db import connection

from searchsite import config
from searchsite.indexing import fingerprints, provider, spaces, upkeep
from searchsite.library.models import Item
from searchsite.search.find import find
from searchsite.search.questions import Question, Term
from tests import crew, figures, made, servers
from tests.fake_inference import FakeInference

NOTES, KILLS, SECONDS = 200, 5, 120
SEARCHERS = 2


class Salted(FakeInference):
    """As many numbers as the other embedder, but other directions: only the right space has a hit that is near."""

    def _hashed(self, part: str) -> np.ndarray:
        return super()._hashed("salted " + part)


class Searchers:
    """Threads that ask for one note after another, and keep how near its own vector was."""

    def __init__(self, scope) -> None:
        self.scope, self.near, self.wrong = scope, [], []
        self._end = threading.Event()
        self._threads = [threading.Thread(target=self._search, args=(n,)) for n in range(SEARCHERS)]

    def __enter__(self) -> Searchers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join()

    def _search(self, seed: int) -> None:
        chosen = random.Random(seed)
        try:
            while not self._end.is_set():
                text = f"note number {chosen.randrange(NOTES)}"
                results = find(Question((Term(text=text),), mode="meaning"), self.scope)
                found = [why.similarity for hit in results.hits for why in hit.why if why.similarity]
                (self.near if found and max(found) > 0.99 else self.wrong).append((text, max(found, default=0)))
        finally:
            connection.close()


@pytest.mark.django_db(transaction=True)
def test_each_search_uses_one_space_while_two_switches_and_five_kills_happen(monkeypatch):
    chosen = random.Random(5)
    alice = made.person("alice")
    place = made.place(alice, made.team_of(alice))
    with FakeInference(embedder="old") as old, Salted(embedder="new") as new:
        _configure(monkeypatch, old)
        for number in range(NOTES):
            made.note(place, f"note number {number}")
        made.work_through_everything()
        first = made.active_space()
        _configure(monkeypatch, new)
        building = spaces.build()
        new.delay = 0.05
        with crew.at_work(servers.directory() / "switching", new) as working, Searchers(place.scope) as searchers:
            upkeep.fill(building)
            for _ in range(KILLS):
                time.sleep(0.7)
                working.kill_a_worker(chosen)
            _wait_until_full(building)
            spaces.activate(building)
            made.note(place, "note number 17, but late")
            time.sleep(1)
            assert spaces.roll_back()[0] == first
            time.sleep(1)
            upkeep.fill(first)
            _wait_until_full(first)
            spaces.activate(building, force=True)
            time.sleep(1)
            upkeep.fill(building)
            _wait_until_full(building)
    assert searchers.wrong == []
    assert len(searchers.near) > 20
    assert Item.objects.count() == NOTES + 1
    assert (spaces.lacking(building), spaces.lacking(first)) == (0, 0)
    figures.keep(3, "F26", items=NOTES + 1, kills=KILLS, searches=len(searchers.near), of_two_spaces=0, lacking=0)
    provider.forget()
    config.load.cache_clear()


def _configure(monkeypatch: pytest.MonkeyPatch, server: FakeInference) -> None:
    monkeypatch.setenv("INFERENCE_URL", server.url)
    monkeypatch.setenv("EMBEDDER", server.embedder)
    provider.forget()
    fingerprints.forget()
    config.load.cache_clear()


def _wait_until_full(space) -> None:
    deadline = time.monotonic() + SECONDS
    while spaces.lacking(space) or crew.unfinished():
        assert time.monotonic() < deadline, "it did not fill"
        upkeep.fill(space)
        time.sleep(0.2)

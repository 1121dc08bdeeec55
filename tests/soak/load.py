"""People and programs that use a house all at once: they put in, search, look and delete, and count errors."""

from __future__ import annotations

import random
import re
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

import httpx

from tests import made
from tests.house import House

WORDS = ("bread", "roof", "invoice", "harbour", "tulip", "engine", "window", "letter", "garden", "bridge", "river")
COLOURS = ("red", "blue", "green", "teal", "orange", "purple", "brown", "gray", "navy", "olive", "maroon", "gold")
KEPT = 300
"""So many items stay; older ones are deleted."""
MOST_WAITING = 40
PAUSE = 0.05
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


class Load:
    """The people and programs. Each of them is a thread with connections of its own."""

    def __init__(self, home: House) -> None:
        self.home, self.stopped = home, threading.Event()
        self.token = home.token()
        self.put_in = 0
        self.items: deque[str] = deque()
        self.calls: Counter[str] = Counter()
        self.errors: list[str] = []
        work = (self._pictures, self._notes, self._searches, self._looks, self._pages, self._deletions)
        self._threads = [threading.Thread(target=self._repeated, args=(one,)) for one in work]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_failure: object) -> None:
        self.stopped.set()
        for thread in self._threads:
            thread.join(timeout=60)

    def _repeated(self, work: Callable[[httpx.Client, random.Random], None]) -> None:
        chance = random.Random(work.__name__)
        headers = {"Authorization": f"Bearer {self.token}"} if work != self._pages else {}
        with httpx.Client(base_url=self.home.base_url, headers=headers, timeout=60, follow_redirects=True) as client:
            while not self.stopped.is_set():
                try:
                    work(client, chance)
                except httpx.HTTPError as error:
                    self.errors.append(f"{work.__name__}: {error!r}")
                self.stopped.wait(PAUSE)

    def _ask(self, client: httpx.Client, method: str, path: str, *also: int, **how: Any) -> httpx.Response:
        answer = client.request(method, path, **how)
        self.calls[f"{method} {answer.status_code}"] += 1
        if answer.status_code not in (200, 201, 204, *also):
            self.errors.append(f"{method} {path}: {answer.status_code} {answer.text[:200]}")
        return answer

    def _keep(self, answer: httpx.Response) -> None:
        if answer.status_code in (200, 201):
            self.items.append(str(answer.json()["id"]))
            self.put_in += 1

    def _has_room(self, client: httpx.Client, kind: str) -> bool:
        """Whether few of its kind are under way: pictures take longer than notes, and neither waits for the other."""
        asked = {"status": "processing", "kind": kind, "limit": MOST_WAITING}
        has_room = len(self._ask(client, "GET", "/api/v1/items", params=asked).json()["items"]) < MOST_WAITING
        self.stopped.wait(0 if has_room else 1)
        return has_room

    def _pictures(self, client: httpx.Client, chance: random.Random) -> None:
        if self._has_room(client, "image"):
            words = f"{chance.choice(WORDS)} {chance.randrange(10**9)}"
            data = made.drawn(chance.choice(COLOURS), words, (320, 240))
            sent = {"file": (f"{words}.jpg", data, "image/jpeg")}
            self._keep(self._ask(client, "POST", "/api/v1/items", files=sent))

    def _notes(self, client: httpx.Client, chance: random.Random) -> None:
        if self._has_room(client, "text"):
            text = " ".join(chance.choices(WORDS, k=60)) + f" {chance.randrange(10**9)}"
            self._keep(self._ask(client, "POST", "/api/v1/items", json={"text": text}))

    def _searches(self, client: httpx.Client, chance: random.Random) -> None:
        asked = {"q": " ".join(chance.sample(WORDS, 2)) + chance.choice(["", f" {chance.randrange(10**6)}"])}
        self._ask(client, "GET", "/api/v1/search", params=asked | {"facets": chance.choice(["true", "false"])})

    def _looks(self, client: httpx.Client, chance: random.Random) -> None:
        """At an item, its file and its small picture; it may just have been deleted."""
        if not self.items:
            return
        found = self._ask(client, "GET", f"/api/v1/items/{chance.choice(list(self.items))}", 404)
        if found.status_code == 200:
            item = found.json()
            for address in (item["file_url"], item["thumbnail_url"]):
                if address:
                    self._ask(client, "GET", address, 404)

    def _pages(self, client: httpx.Client, chance: random.Random) -> None:
        """As a person who is signed in sees them."""
        if not client.cookies:
            page = client.get("/accounts/login/")
            shown = TOKEN.search(page.text)
            assert shown, page.text[:300]
            form = {"csrfmiddlewaretoken": shown[1], "login": "admin", "password": self.home.admin_password}
            client.post(str(page.url), data=form, headers={"Referer": str(page.url)})
        item = chance.choice(list(self.items) or ["none"])
        for path in ("/", f"/search?q={chance.choice(WORDS)}", f"/items/{item}", "/queue", "/upload", "/trash"):
            self._ask(client, "GET", path, 404)

    def _deletions(self, client: httpx.Client, chance: random.Random) -> None:
        while len(self.items) > KEPT:
            self._ask(client, "DELETE", f"/api/v1/items/{self.items.popleft()}", 404)
        time.sleep(1)

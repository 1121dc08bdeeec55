"""A person at a running house, who puts things in, searches, and asks; by HTTP, as anybody would."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from PIL import Image

from tests import house
from tests.house import House, wait_until
from tests.recorded import Recorded

KEY = "sk-journey-not-to-be-seen"
LOCAL = {"READER": "captioner", "WORKERS": "1"}
"""Nothing is left for the embedded inference server, so that none is started."""


class Visitor:
    """`server` is what stands in for the provider."""

    def __init__(self, home: House, server: Recorded) -> None:
        self.home = home
        self.server = server
        self._api = httpx.Client(
            base_url=f"{home.base_url}/api/v1", headers={"Authorization": f"Bearer {home.token()}"}, timeout=30
        )
        self._pages = httpx.Client(base_url=home.base_url, timeout=60, follow_redirects=True)
        self._signed_in = False

    def upload(self, colour: str, name: str) -> dict[str, Any]:
        """Put a picture in, and return it once it is ready."""
        return self.ready(self.put_in(files={"file": (name, drawn(colour), "image/png")}))

    def write(self, text: str, title: str) -> dict[str, Any]:
        """Put a note in, and return it once it is ready."""
        return self.ready(self.put_in(json={"text": text, "title": title}))

    def put_in(self, **what: Any) -> str:
        """Put something in, and return its id at once."""
        answer = self._api.post("/items", **what)
        assert answer.status_code in (200, 201), answer.text
        return str(answer.json()["id"])

    def ready(self, item: str) -> dict[str, Any]:
        """The item, once all its stages are done."""
        wait_until(lambda: self.item(item)["status"] != "processing", seconds=60)
        found = self.item(item)
        assert found["status"] == "ready", found["stages"]
        return found

    def item(self, item: str) -> dict[str, Any]:
        found: dict[str, Any] = self._api.get(f"/items/{item}").json()
        return found

    def search(self, words: str = "", **params: str) -> dict[str, Any]:
        answer = self._api.get("/search", params={"q": words, **params})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def show(self, colour: str) -> str:
        """Hand in a picture to search by."""
        answer = self._api.post("/pictures", files={"file": ("shown.png", drawn(colour), "image/png")})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def page(self, path: str) -> str:
        """A page as a person who is signed in sees it."""
        self._sign_in()
        return self._pages.get(path).text

    def ask(self, question: str) -> list[tuple[str, Any]]:
        """The events of an answer: (name, data)."""
        self._sign_in()
        sent = {"q": question, "csrfmiddlewaretoken": self._mark("/ask")}
        answer = self._pages.post("/ask/stream", data=sent, headers={"Referer": self.home.base_url})
        assert answer.status_code == 200, answer.text
        found = re.findall(r"event: (\w+)\ndata: (.*)\n", answer.text)
        return [(name, json.loads(data)) for name, data in found]

    def close(self) -> None:
        self._api.close()
        self._pages.close()

    def _sign_in(self) -> None:
        if self._signed_in:
            return
        mark = self._mark("/accounts/login/")
        sent = {"login": "admin", "password": self.home.admin_password, "csrfmiddlewaretoken": mark}
        answer = self._pages.post("/accounts/login/", data=sent, headers={"Referer": self.home.base_url})
        self._signed_in = answer.url.path == "/"
        assert self._signed_in, answer.text

    def _mark(self, path: str) -> str:
        found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', self._pages.get(path).text)
        assert found is not None
        return found[1]


def drawn(colour: str) -> bytes:
    """A PNG of one colour."""
    out = io.BytesIO()
    Image.new("RGB", (320, 224), colour).save(out, "PNG")
    return out.getvalue()


def titles(found: dict[str, Any]) -> list[str]:
    return [hit["item"]["title"] for hit in found["hits"]]


def reasons(hit: dict[str, Any]) -> set[str]:
    """The channels that found a hit."""
    return {why["channel"] for why in hit["why"]}


@contextmanager
def visiting(directory: Path, dialect: str, settings: dict[str, str]) -> Iterator[Visitor]:
    """Somebody at a house with these settings; `{url}` in them is the address of the provider's stand-in."""
    with Recorded(dialect) as server:
        server.key = KEY
        filled = {name: value.replace("{url}", server.url) for name, value in settings.items()}
        with house.running(directory, **LOCAL, **filled) as home:
            visitor = Visitor(home, server)
            try:
                yield visitor
            finally:
                visitor.close()

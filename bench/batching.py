"""Embeddings stored per second against a server that takes half a second: concurrency times batch over latency."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench import house
from tests.fake_inference import FakeInference

LATENCY, BATCH, AT_ONCE, DIMENSIONS = 0.5, 32, 4, 1024
NOTES = 5000
ASK_EVERY = 1.0
SECONDS_LIMIT = 300.0
ADD = """
import json, sys
from django.db import transaction
from searchsite.accounts.models import User
from searchsite.indexing import spaces
from searchsite.jobs.models import Lane
from searchsite.library import intake
from searchsite.library.scope import scope_for
user = User.objects.get(username="admin")
place = intake.place_for(scope_for(user, user.memberships.get().team), None, lane=Lane.BULK)
spaces.ensure_active()
with transaction.atomic():
    for number in range(%d):
        intake.add_text(f"Note {number} of a garden, its beds and its paths.", title=None, into=place)
"""


class Slow(FakeInference):
    """Its latency is to be that which was set: words that it has met before cost it next to nothing."""

    def __init__(self) -> None:
        super().__init__(dimensions=DIMENSIONS, embedder="slow")
        self._known: dict[str, Any] = {}

    def _hashed(self, part: str) -> Any:
        if part not in self._known:
            self._known[part] = super()._hashed(part)
        return self._known[part]


def measure(directory: Path) -> list[str]:
    """Return the lines of the report. All notes appear at once, in one transaction; one worker embeds them."""
    with Slow() as server:
        settings = {"EMBED_URL": server.url, "EMBEDDER": "slow", "EMBED_DIALECT": "searchsite", "WORKERS": "1"}
        settings |= {"EMBEDS_AT_ONCE": str(AT_ONCE), "READ_PICTURES": "false"}
        with house.running(directory, **settings) as home, home.client() as client:
            home.manage("shell", "-c", ADD % 1)
            server.delay = LATENCY
            subprocess.run([sys.executable, house.MANAGE, "shell", "-c", ADD % NOTES], env=home.environment, check=True)
            asked = server.inputs
            began, first, stored = time.monotonic(), 0.0, 0
            samples: list[tuple[float, int]] = []
            while stored < NOTES and time.monotonic() < began + SECONDS_LIMIT:
                stored = int(client.get("/api/v1/jobs").raise_for_status().json()["counts"]["embed"]["done"]) - 1
                samples.append((time.monotonic(), stored))
                time.sleep(ASK_EVERY)
            moving = [one for one in samples if one[1] > 0]
            (first, some), (last, every) = moving[0], moving[-1]
    rate, aim = (every - some) / (last - first), AT_ONCE * BATCH / LATENCY
    print(json.dumps({"inputs": server.inputs - asked, "seconds": round(last - first, 1)}), file=sys.stderr)
    return [
        f"server's latency {LATENCY} s, batches of {BATCH}, {AT_ONCE} at once, {DIMENSIONS} dimensions",
        f"concurrency x batch / latency   {aim:6.1f} embeddings/s",
        f"stored                          {rate:6.1f} embeddings/s ({every} notes)",
        f"ratio (aim: 0.9 or more)        {rate / aim:6.2f}",
    ]

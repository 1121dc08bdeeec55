"""A worker dies over its captions: nothing is lost, and each call that was under way is paid for once more at most."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from typing import Any

import pytest
from django.db import connection

from searchsite import config as configuration
from searchsite.indexing import plan, stages, worker
from searchsite.jobs.models import Job
from searchsite.library.models import Part, PartRole
from tests import captioned, house, made
from tests.captioned import captioner
from tests.fake_chat import CAPTION

__all__ = ["captioner"]
WORK = "import django; django.setup(); from searchsite.indexing import worker; worker.work('caption')"


def worker_of_its_own(settings: dict[str, str]) -> subprocess.Popen[bytes]:
    """A process that captions, on the tests' database."""
    database = connection.settings_dict["NAME"]
    environment = {
        **os.environ,
        **settings,
        "DATABASE_URL": f"host={configuration.load().socket_dir} user=searchsite dbname={database}",
        "DJANGO_SETTINGS_MODULE": "searchsite.settings",
        "LEASE_SECONDS": "1",
        "CAPTIONS_AT_ONCE": "3",
    }
    return subprocess.Popen([sys.executable, "-c", WORK], env=environment)


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_is_killed_over_three_captions_loses_none(captioner):
    alice = made.person("alice")
    inbox = made.place(alice, made.team_of(alice))
    items = [made.picture(inbox, colour) for colour in ("red", "green", "blue")]
    worker.work(plan.DECODE)
    let_go, first = threading.Event(), threading.Semaphore(1)

    def reply(body: dict[str, Any]) -> str:
        """One is answered before the worker dies; the others keep it waiting."""
        if not first.acquire(blocking=False):
            let_go.wait(20)
        return json.dumps(CAPTION)

    captioner.reply = reply
    dying = worker_of_its_own(captioned.settings(captioner))
    house.wait_until(lambda: Job.objects.filter(kind="caption", state="done").count() == 1, seconds=40)
    house.wait_until(lambda: len(captioned.questions(captioner)) == 3, seconds=20)
    dying.kill()
    dying.wait()
    let_go.set()
    deadline = time.monotonic() + 30
    while Job.objects.filter(kind="caption").exclude(state="done").exists() and time.monotonic() < deadline:
        worker.work(plan.CAPTION)
        time.sleep(0.2)
    assert {stages.status_of([item])[item.pk].stages["caption"].state for item in items} == {"done"}
    assert Part.objects.filter(role=PartRole.CAPTION).count() == 3
    assert len(captioned.questions(captioner)) == 3 + 2

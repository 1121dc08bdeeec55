"""A process is killed at each step of the way from an upload to its vectors, and nothing comes of it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.db import connection

from searchsite import config as configuration
from searchsite.accounts.models import User
from searchsite.indexing import tables
from searchsite.jobs.models import Job, State
from searchsite.library import files, intake, orphans
from searchsite.library.models import Item, Part
from searchsite.steps import Step
from tests import captioned, figures, made, servers
from tests.fake_inference import FakeInference
from tests.indexing import dying

pytestmark = pytest.mark.django_db(transaction=True)
FOLDERS = [f"{number:02x}" for number in range(256)]
KILLED = -signal.SIGKILL


@dataclass
class Site:
    """A fake inference server, a folder of files, and the process whose children do everything."""

    fake: FakeInference
    media: Path
    warm: subprocess.Popen[str]

    def do(self, deed: str, die_at: str = "", **given: object) -> int:
        assert self.warm.stdin is not None and self.warm.stdout is not None
        self.warm.stdin.write(json.dumps({"deed": deed, "die_at": die_at, **given}) + "\n")
        self.warm.stdin.flush()
        return int(self.warm.stdout.readline())


@dataclass(frozen=True)
class Result:
    """All that is left of one upload: of its item, in its tables and on the disk."""

    items: int
    parts: tuple[str, ...]
    vectors: int
    jobs: frozenset[str]
    files: tuple[str, ...]
    """What follows the digest in the name of each file; the whole name of one that no blob owns."""


@pytest.fixture(scope="module")
def everything_else(django_db_setup: None) -> Iterator[Site]:
    media = servers.directory() / "steps"
    media.mkdir()
    with FakeInference() as fake:
        fake.networks = (captioned.EYES,)
        environment = {
            **os.environ,
            **captioned.settings(fake),
            "INFERENCE_URL": fake.url,
            "EMBEDDER": fake.embedder,
            "MEDIA_ROOT": str(media),
            "DATABASE_URL": f"host={configuration.load().socket_dir} user=searchsite dbname={_database()}",
            "DJANGO_SETTINGS_MODULE": "searchsite.settings",
            "OPENBLAS_NUM_THREADS": "1",
            "LOG_LEVEL": "ERROR",
        }
        command = [sys.executable, "-c", dying.START]
        warm = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        assert warm.stdout is not None and warm.stdout.readline() == "ready\n"
        yield Site(fake, media, warm)
        warm.communicate(timeout=20)


def _database() -> str:
    name: str = connection.settings_dict["NAME"]
    return name


@pytest.fixture
def site(everything_else: Site, settings) -> Site:
    shutil.rmtree(everything_else.media)
    everything_else.media.mkdir()
    everything_else.fake.requests.clear()
    settings.MEDIA_ROOT = str(everything_else.media)
    return everything_else


def live(site: Site, tmp_path: Path, step: Step | None = None) -> tuple[Result, int]:
    """Upload a picture and have it done, though a process dies at the step; what came of it, and the calls it took."""
    alice: User = made.person("alice")
    file = tmp_path / "garden.jpg"
    file.write_bytes(made.drawn("navy", "garden", (900, 700)))
    inbox = made.place(alice, made.team_of(alice))
    # What finds out about the server is asked by each new process, and is no call for an item.
    assert site.do("get_ready") == 0
    known = asked(site)
    site.fake.requests.clear()
    put = {"user": alice.pk, "team": inbox.scope.team_id, "file": str(file)}
    if step is not None and step.startswith("upload."):
        assert site.do("upload", step, **put) == KILLED, f"nobody came by {step}"
    # Whoever was told nothing sends the file again.
    with file.open("rb") as data:
        intake.add_file(data, file.name, into=inbox)
    if step is not None and not step.startswith("upload."):
        assert site.do("work", step) == KILLED, f"nobody came by {step}"
    finish(site)
    sweep()
    return result(), len([one for one in asked(site) if one not in known])


def asked(site: Site) -> list[str]:
    return [json.dumps(request) for request in site.fake.requests]


def finish(site: Site) -> None:
    """Others go on once the leases have run out."""
    for _ in range(5):
        Job.objects.filter(state=State.RUNNING).update(lease_until="2020-01-01T00:00:00Z")
        assert site.do("work") == 0
        if not Job.objects.filter(state__in=[State.READY, State.RUNNING]).exists():
            return


def sweep() -> None:
    """What the hourly sweep removes, two days later."""
    before = time.time() - 2 * files.STALE_AFTER
    for path in files.media_root().rglob("*"):
        if path.is_file():
            os.utime(path, (before, before))
    files.sweep_incoming()
    orphans.sweep(FOLDERS)


def result() -> Result:
    blob = Item.objects.select_related("blob").get().blob
    assert blob is not None
    left = [path for path in files.media_root().rglob("*") if path.is_file()]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {tables.name(made.active_space().pk)}")
        (vectors,) = cursor.fetchone()
    return Result(
        items=Item.objects.count(),
        parts=tuple(sorted(Part.objects.values_list("role", flat=True))),
        vectors=vectors,
        jobs=frozenset(Job.objects.values_list("state", flat=True)),
        files=tuple(sorted(path.name.removeprefix(blob.sha256) for path in left)),
    )


@pytest.fixture(scope="module")
def kept() -> Iterator[dict[Step, int]]:
    """By step: how many calls more than without a death."""
    more: dict[Step, int] = {}
    yield more
    if len(more) == len(Step):
        calls = max(more.values())
        figures.keep(2, "steps", steps=len(more), killed=len(more), lost=0, orphans=0, most_extra_calls=calls)


WHOLE = Result(
    items=1,
    parts=("caption", "content", "ocr", "tags"),
    vectors=4,
    jobs=frozenset({"done"}),
    files=("", ".2048.webp", ".480.webp"),
)
CALLS = 4


def test_without_a_death_it_takes_so_many_calls(site, tmp_path):
    assert live(site, tmp_path) == (WHOLE, CALLS)


@pytest.mark.parametrize("step", Step)
def test_a_death_at_any_step_loses_nothing_leaves_nothing_and_costs_a_call_at_most(site, tmp_path, kept, step):
    found, spent = live(site, tmp_path, step)
    assert found == WHOLE
    # One call to embed is two requests, of its texts and of its pictures, and both are on their way at once.
    assert spent <= CALLS + (2 if step.startswith("embed.") else 1)
    kept[step] = spent - CALLS

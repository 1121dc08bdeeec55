"""Every file of the corpus through the real door and the real decoder, among good neighbours."""

from __future__ import annotations

import ast
import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx
import psutil
import pytest
from django.db import connection
from PIL import Image

from searchsite import config as configuration
from searchsite.accounts import tokens
from searchsite.accounts.models import Team, User
from searchsite.config import ROOT
from searchsite.indexing import stages
from searchsite.indexing.stages import StageView
from searchsite.jobs.models import Job
from searchsite.library import sniffing
from searchsite.library.decoder import client
from searchsite.library.decoder.protocol import MEMORY_BYTES, Policy, Spent, Undecodable
from searchsite.library.models import Item, QueryPicture
from searchsite.library.refusals import Refusal
from searchsite.ops import household, process
from searchsite.ops.process import Running
from tests import figures, house, made, servers
from tests.fake_inference import FakeInference
from tests.library import drawn, hostile
from tests.library.hostile import FAILED, READY, Fate, Hostile

CONFIG = configuration.load()
POLICY = Policy(CONFIG.max_pixels, sniffing.MAX_SIDE, (480, 2048))
NEIGHBOURS = 100
SECONDS_TO_FINISH = 240
MOST_SECONDS = 30.0
MOST_GROWTH = 400 << 20


@dataclass
class Found:
    """What the files came to."""

    fates: dict[str, Fate] = field(default_factory=dict)
    sentences: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    megabytes: int = 0

    def wrong(self, corpus: tuple[Hostile, ...]) -> list[tuple[str, Fate]]:
        """Those that did not end as they must, and those that end without a sentence for people."""
        fates = [(one.name, self.fates[one.name]) for one in corpus if self.fates[one.name] not in one.fates]
        return fates + [(name, said) for name, said in self.sentences.items() if not is_a_sentence(said)]


def is_a_sentence(said: str) -> bool:
    return said[:1].isupper() and said.endswith(".") and "Error" not in said and "Traceback" not in said


def directly(one: Hostile, folder: Path) -> tuple[Fate, str, Spent]:
    """At the door and in the decoder, without all that is around them."""
    path = folder / "upload"
    path.write_bytes(one.data)
    try:
        if not isinstance(sniffing.look(path, one.name, config=CONFIG), sniffing.Picture):
            return READY, "", Spent()
        if path.stat().st_size > CONFIG.max_file_bytes:
            return hostile.TOO_LARGE, "", Spent()
        return READY, "", client.decode(path, POLICY).spent
    except Refusal as refusal:
        return refusal.status, str(refusal), Spent()
    except Undecodable as error:
        return FAILED, str(error), error.spent


def measured(corpus: tuple[Hostile, ...], folder: Path) -> Found:
    found = Found()
    for one in corpus:
        started = time.monotonic()
        found.fates[one.name], said, spent = directly(one, folder)
        found.seconds = max(found.seconds, time.monotonic() - started)
        found.megabytes = max(found.megabytes, spent.megabytes)
        if said:
            found.sentences[one.name] = said
    return found


@pytest.mark.parametrize("corpus", [hostile.CORPUS, pytest.param(hostile.SLOW, marks=pytest.mark.long)])
def test_no_file_takes_more_memory_or_time_than_one_may(tmp_path: Path, corpus: tuple[Hostile, ...]) -> None:
    client.decode(picture(tmp_path, 1), POLICY)
    before = client.decoder_pid()
    found = measured(corpus, tmp_path)
    assert found.wrong(corpus) == []
    assert found.megabytes << 20 <= MEMORY_BYTES
    assert found.seconds <= MOST_SECONDS
    assert client.decoder_pid() == before
    name = "corpus-measured" if corpus is hostile.CORPUS else "corpus-slowest"
    figures.keep(4, name, files=len(corpus), max_mb=found.megabytes, max_seconds=round(found.seconds, 1))


def picture(folder: Path, seed: int) -> Path:
    path = folder / f"good{seed}.jpg"
    path.write_bytes(drawn.jpeg(seed=seed))
    return path


@dataclass
class Site:
    """A web process and a worker on the tests' database, and what they were at the beginning."""

    web: Running
    worker: Running
    base_url: str
    began: dict[int, int] = field(default_factory=dict)

    def processes(self) -> dict[int, int]:
        """The web server's and the worker's own processes with the memory of each; not their decoders."""
        found = {}
        for running in (self.web, self.worker):
            top = psutil.Process(running.pid)
            for one in [top, *top.children(recursive=True)]:
                with suppress(psutil.NoSuchProcess):
                    if "searchsite.library.decoder" not in one.cmdline():
                        found[one.pid] = one.memory_info().rss
        return found

    def children_at_work(self) -> list[psutil.Process]:
        """The children that decode for the worker right now."""
        below = psutil.Process(self.worker.pid).children(recursive=True)
        decoders = [one for one in below if "searchsite.library.decoder" in one.cmdline()]
        return [one for one in decoders if one.ppid() in {other.pid for other in decoders}]


@contextmanager
def site(server: FakeInference, folder: Path) -> Iterator[Site]:
    """Start them as a house does."""
    config = CONFIG.model_copy(update={"port": house.free_port(), "host": "127.0.0.1", "log_level": "WARNING"})
    database = connection.settings_dict["NAME"]
    environment = household.environment(config, "hostile") | {
        "DATABASE_URL": f"host={CONFIG.socket_dir} user=searchsite dbname={database}",
        "MEDIA_ROOT": str(folder),
        "INFERENCE_URL": server.url,
        "EMBEDDER": server.embedder,
        # All of it in a minute, by one token.
        "PICTURES_PER_MINUTE": "0",
        "UPLOADS_PER_MINUTE": "0",
        "READER": "none",
        "LOG_LEVEL": "WARNING",
        "HOST": "127.0.0.1",
        "PORT": str(config.port),
    }
    programs = (
        household.web(config),
        household.worker(config, "hostile", "care,decode,embed", 2),
        household.beat(config),
    )
    running = [process.start(replace(one, environment=environment)) for one in programs]
    try:
        servers.wait_until(lambda: household.web_answers(config), running[0])
        yield Site(running[0], running[1], f"http://127.0.0.1:{config.port}")
    finally:
        for one in running:
            one.stop()


def send(browser: httpx.Client, address: str, name: str, data: bytes) -> httpx.Response:
    return browser.post(address, files={"file": (name, data, "image/png")})


def unfinished() -> int:
    return Job.objects.filter(state__in=["ready", "running"]).count()


def decoding_of(item: Item) -> StageView:
    return stages.status_of([item])[item.pk].stages["decode"]


def fate_of(answer: httpx.Response) -> tuple[Fate, str]:
    """What became of what was sent, now that all work is done."""
    if answer.status_code not in (200, 201):
        return answer.status_code, str(answer.json()["detail"])
    item = Item.objects.get(public_id=answer.json()["id"])
    progress = stages.status_of([item])[item.pk]
    failed = progress.stages.get("decode")
    return (READY, "") if progress.status == "ready" else (FAILED, failed.error if failed else progress.status)


def shot_down(working: Site, browser: httpx.Client) -> str:
    """A picture over which its child is killed by a segmentation fault; gives what is said of it."""
    large = drawn.encoded(Image.new("RGB", (7000, 7000), "red"), compress_level=1)
    answer = send(browser, "/api/v1/items", "large.png", large)
    deadline = time.monotonic() + 60
    while not (children := working.children_at_work()) and time.monotonic() < deadline:
        time.sleep(0.002)
    children[0].send_signal(signal.SIGSEGV)
    house.wait_until(lambda: not unfinished(), SECONDS_TO_FINISH)
    return fate_of(answer)[1]


def handed_in(
    browser: httpx.Client, corpus: tuple[Hostile, ...]
) -> tuple[dict[str, httpx.Response], dict[str, httpx.Response], float]:
    """The answers to the bad files and to the good ones among them, and how long the longest took."""
    files = [(one.name, one) for one in corpus] + [(f"good{number}.jpg", None) for number in range(NEIGHBOURS)]
    random.Random(4).shuffle(files)
    bad: dict[str, httpx.Response] = {}
    good: dict[str, httpx.Response] = {}
    for name, one in files:
        data = one.data if one else drawn.jpeg(seed=int(name[4:-4]))
        (bad if one else good)[name] = send(browser, "/api/v1/items", name, data)
    return bad, good, max(answer.elapsed.total_seconds() for answer in [*bad.values(), *good.values()])


def searched_by(browser: httpx.Client, corpus: tuple[Hostile, ...]) -> None:
    """To search by a bad file is refused as to put it in is, and nothing of it stays."""
    for one in corpus:
        if READY not in one.fates and one not in hostile.SLOW:
            answer = send(browser, "/api/v1/pictures", one.name, one.data)
            assert answer.status_code in (413, 415, 422) and is_a_sentence(answer.json()["detail"]), one.name
    assert not QueryPicture.objects.exists()


def bearer(user: User, team: Team) -> dict[str, str]:
    _, secret = tokens.create_token(user, team, name="hostile", scopes=frozenset({"read", "write"}))
    return {"Authorization": f"Bearer {secret}"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "corpus", [hostile.CORPUS, pytest.param(hostile.CORPUS + hostile.SLOW, marks=pytest.mark.long)]
)
def test_a_hundred_good_neighbours_of_every_bad_file_finish(corpus: tuple[Hostile, ...], settings, tmp_path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    alice = made.person("alice")
    team = made.team_of(alice)
    with (
        FakeInference() as server,
        site(server, settings.MEDIA_ROOT) as working,
        httpx.Client(base_url=working.base_url, headers=bearer(alice, team), timeout=60) as browser,
    ):
        first = send(browser, "/api/v1/items", "first.jpg", drawn.jpeg(seed=999))
        house.wait_until(lambda: not unfinished() and fate_of(first)[0] == READY, SECONDS_TO_FINISH)
        began = working.processes()
        bad, good, slowest = handed_in(browser, corpus)
        house.wait_until(lambda: not unfinished(), SECONDS_TO_FINISH)
        searched_by(browser, corpus)
        crashed = shot_down(working, browser)
        ended = working.processes()
        alive = browser.get("/readyz").status_code
        maps = "".join(Path(f"/proc/{pid}/maps").read_text() for pid in descendants(working.web) if pid in ended)
    ends = {name: fate_of(answer) for name, answer in bad.items()}
    found = Found(
        {name: fate for name, (fate, _) in ends.items()}, {name: said for name, (_, said) in ends.items() if said}
    )
    assert [name for name, answer in good.items() if fate_of(answer)[0] != READY] == []
    assert found.wrong(corpus) == []
    assert crashed == "This picture makes the decoder crash."
    assert began.keys() <= ended.keys() and alive == 200
    growth = max(ended[pid] - began[pid] for pid in began)
    assert growth < MOST_GROWTH
    assert slowest <= MOST_SECONDS
    assert not [name for name in ("/_webp.", "/_avif.", "_pillow_heif.", "/_imagingcms.") if name in maps]
    figures.keep(
        4,
        "corpus" if corpus is hostile.CORPUS else "corpus-and-slowest",
        files=len(corpus),
        neighbours=len(good),
        neighbours_lost=0,
        growth_mb=growth >> 20,
        longest_request_seconds=round(slowest, 1),
    )


def descendants(running: Running) -> list[int]:
    top = psutil.Process(running.pid)
    return [one.pid for one in [top, *top.children(recursive=True)]]


def opens_pictures(path: Path) -> bool:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = [one for one in ast.walk(tree) if isinstance(one, ast.Import | ast.ImportFrom)]
    return any(
        (getattr(one, "module", "") or one.names[0].name).split(".")[0] in ("PIL", "pillow_heif") for one in names
    )


def test_nothing_but_the_decoder_reads_what_came_from_outside() -> None:
    """The others read what the decoder made: one plain frame of a WebP, checked by its asker."""
    rooms = [
        ROOT / "searchsite" / room for room in ("web", "api", "search", "answers", "library", "indexing", "accounts")
    ]
    found = {
        str(path.relative_to(ROOT / "searchsite"))
        for room in rooms
        for path in room.rglob("*.py")
        if opens_pictures(path)
    }
    assert {one for one in found if not one.startswith("library/decoder/")} == {
        "library/perceptual.py",
        "search/regions.py",
    }

"""A team that puts a hundred thousand things in at once keeps nobody else waiting."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing

import httpx
import pytest

from tests import figures, house, made, servers
from tests.fake_inference import FakeInference
from tests.house import House

pytestmark = [pytest.mark.long, pytest.mark.timeout(1200)]
BACKLOG, VISITS, UPLOADS = 100_000, 100, 5
# The other team's notes, as if it had put in a large zip: each with its part and a job in the lane for bulk.
FILL = f"""
from searchsite.accounts import teams
from searchsite.accounts.models import User
from searchsite.indexing import plan
from searchsite.jobs import queue
from searchsite.jobs.models import Lane
from searchsite.library import intake
from searchsite.library.models import Channel, Item, Kind, Part, PartRole
bob = User.objects.create_user("bob")
team = teams.create_team("bulk", bob)
inbox = intake.inbox_of(team.pk)
for first in range(0, {BACKLOG}, 5000):
    items = [Item(team=team, collection=inbox, kind=Kind.TEXT, title=f"note {{n}}", created_by=bob)
        for n in range(first, first + 5000)]
    Item.objects.bulk_create(items)
    Part.objects.bulk_create([
        Part(item=one, channel=Channel.TEXT, role=PartRole.CONTENT, text=f"all about {{one.title}}") for one in items
    ])
    queue.enqueue([plan.job(plan.EMBED, one, lane=Lane.BULK) for one in items])
"""
WAITING = "from searchsite.jobs.models import Job; print(Job.objects.filter(state='ready').count())"


@pytest.fixture
def busy() -> Iterator[House]:
    """A house whose embedder is elsewhere and takes its time, and costs this machine nothing."""
    with FakeInference() as fake:
        fake.delay = 0.5
        settings = {"INFERENCE_URL": fake.url, "EMBEDDER": fake.embedder, "READER": "none"}
        with house.running(servers.directory() / "backlog", **settings) as home:
            yield home


def p95(visit: Callable[[], httpx.Response]) -> float:
    """Milliseconds, a visit each tenth of a second."""
    times = []
    for _ in range(VISITS):
        began = time.perf_counter()
        assert visit().status_code == 200
        times.append((time.perf_counter() - began) * 1000)
        time.sleep(0.1)
    return sorted(times)[int(VISITS * 0.95)]


def seconds_until_embedded(api: httpx.Client, number: int) -> float:
    """How long a person waits for a single picture, from the upload on."""
    began = time.monotonic()
    file = {"file": (f"{number}.jpg", made.drawn("navy", f"picture {number}"), "image/jpeg")}
    put = api.post("/items", files=file)
    assert put.status_code == 201, put.text
    item = put.json()["id"]
    while (told := api.get(f"/items/{item}").json())["status"] != "ready":
        assert time.monotonic() - began < 120, told
        time.sleep(0.1)
    return time.monotonic() - began


def visitor(home: House) -> httpx.Client:
    """A browser that has signed in."""
    browser = httpx.Client(base_url=home.base_url, follow_redirects=True, timeout=60)
    browser.get("/accounts/login/").raise_for_status()
    form = {"login": "admin", "password": home.admin_password, "csrfmiddlewaretoken": browser.cookies["csrf"]}
    browser.post("/accounts/login/", data=form).raise_for_status()
    return browser


def test_a_single_upload_passes_the_backlog_of_another_team_and_pages_stay_quick(busy):
    headers = {"Authorization": f"Bearer {busy.token()}"}
    api = httpx.Client(base_url=f"{busy.base_url}/api/v1", headers=headers, timeout=60)
    with closing(visitor(busy)) as browser, api:
        alone = seconds_until_embedded(api, 0)
        quiet = p95(lambda: browser.get("/"))
        busy.manage("shell", "-c", FILL)
        before = int(busy.manage("shell", "-c", WAITING).split()[-1])
        waited = [seconds_until_embedded(api, number) for number in range(1, UPLOADS + 1)]
        loaded = p95(lambda: browser.get("/"))
        left = int(busy.manage("shell", "-c", WAITING).split()[-1])
    figures.keep(
        7,
        "backlog",
        backlog=BACKLOG,
        waiting_at_the_first_upload=before,
        waiting_at_the_end=left,
        upload_seconds_alone=round(alone, 2),
        upload_seconds_most=round(max(waited), 2),
        web_p95_ms_quiet=round(quiet, 1),
        web_p95_ms_with_backlog=round(loaded, 1),
        ratio=round(loaded / quiet, 2),
    )
    assert left > 0, "the backlog was gone before the end"
    assert max(waited) < 30
    assert loaded < 3 * quiet

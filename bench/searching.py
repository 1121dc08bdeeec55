"""Searches over HTTP through the real server: against their own SQL, a bare page, and a page as one writes it first.

The questions' vectors are kept by then. CPU is of web server and database; what they use when idle is taken off.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import psutil

from bench import house, machine, reporting
from bench.embedder import COMMON, Synthetic
from bench.filling import FOLDERS
from bench.house import House
from bench.targets import Target
from searchsite.config import Config
from searchsite.ops import postgres

SIZES, LONG = (10_000, 200_000), (10_000, 50_000, 200_000)
REQUESTS, ROUNDS, CLIENTS = 200, 3, (1, 4, 8)
IDLE_SECONDS = 3.0
NAIVE_UP_TO = 10_000
WEB, DATABASE = "granian", "postgres:"
LONGEST_MS = 500
INDEX = (
    "SET maintenance_work_mem = '1GB'; CREATE INDEX naive ON embedding_{space} USING hnsw (vector halfvec_cosine_ops)"
    " WHERE channel = 'image'"
)


@dataclass(frozen=True)
class Page:
    """What a request cost: CPU milliseconds of web server and database, wall milliseconds, and how many a second."""

    web: float
    database: float
    p50: float
    p95: float
    longest: float
    rate: float

    @property
    def cpu(self) -> float:
        return self.web + self.database

    @property
    def figures(self) -> dict[str, float]:
        """For the results."""
        return {name: round(value, 3) for name, value in vars(self).items()}


def measure(directory: Path, *, long: bool = False, most: int | None = None) -> Iterator[str]:
    """Yield the lines of the report, and keep the figures in bench/results/searching.json."""
    before, runs = machine.state(), []
    reached: list[Target] = []
    for count in LONG if long else SIZES:
        if most is not None and count > most:
            yield f"searching: {count:,} left out, as asked"
            continue
        run = _one(directory / str(count), count)
        runs.append(run)
        reached = list(_targets(runs))
        machine.keep("searching", {"runs": runs, "targets": [one.figures for one in reached]}, before)
        yield from _lines(run)
    yield from reporting.verdicts(reached)


def _one(directory: Path, count: int) -> dict[str, Any]:
    found: dict[str, Any] = {"count": count}
    embedder = Synthetic()
    with embedder:
        with house.running(directory, **embedder.settings) as home:
            _python(home, "bench.filling", str(count))
            found |= _through(home, count)
        with house.running(directory, **embedder.settings) as home:
            found["restart"] = _restarted(home)
    return found


def _through(home: House, count: int) -> dict[str, Any]:
    with home.client() as client, home.browser() as browser:
        cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        signed_in, token = {"Cookie": cookie}, dict(client.headers)
        asked = [urlencode({"q": question}) for question in COMMON]
        pages = {str(number): _page(home, signed_in, "/", asked, number) for number in CLIENTS}
        api = _page(home, token, "/api/v1/search", asked, 1)
        places = {one["name"]: one["id"] for one in client.get("/api/v1/collections").json()["collections"]}
    filtered = {
        name: _page(home, token, "/api/v1/search", [f"{one}&collection={places[name]}" for one in asked], 1)
        for name in FOLDERS
        if name in places and name != "Remaining"
    }
    replayed = json.loads(_python(home, "bench.replay", str(ROUNDS), *COMMON).splitlines()[-1])
    found = {
        "pages": {number: page.figures for number, page in pages.items()},
        "api": api.figures,
        "filtered": {name: page.figures for name, page in filtered.items()},
        "sql": replayed,
    }
    return found | _floors(home, count)


def _floors(home: House, count: int) -> dict[str, Any]:
    """A bare page, and where there are few vectors one of the ORM with an index that it can use."""
    config = Config(data_dir=Path(home.environment["DATA_DIR"]))
    space = home.manage("shell", "-v", "0", "-c", "from searchsite.indexing import spaces; print(spaces.active().pk)")
    number = space.split()[-1]
    where = {"SPACE": number, "DSN": postgres.conninfo(config), "HOST": str(config.socket_dir)}
    where["NAME"] = postgres.DATABASE
    asked = [f"n={at}" for at in range(len(COMMON))]
    found = {}
    with _serving("bench.raw:application", where) as (address, pid):
        found["raw"] = _cost(home, _job(address, {}, "/", asked, 1), pid).figures
        found["raw"]["rate"] = _cost(home, _job(address, {}, "/", asked, CLIENTS[1]), pid).rate
    if count <= NAIVE_UP_TO:
        import_ = "from django.db import connection; connection.cursor().execute"
        home.manage("shell", "-v", "0", "-c", f"{import_}({INDEX.format(space=number)!r})")
        with _serving("bench.naive:application", where) as (address, pid):
            found["naive"] = _cost(home, _job(address, {}, "/", asked, CLIENTS[1]), pid).figures
    return found


def _restarted(home: House) -> dict[str, float]:
    """The first search of a house that was stopped and started, and the same once it is warm."""
    # By the API: the password is said on the first start alone.
    with home.client() as client:
        times = []
        for question in (COMMON * 3)[:100]:
            began = time.perf_counter()
            client.get("/api/v1/search", params={"q": question}).raise_for_status()
            times.append((time.perf_counter() - began) * 1000)
    return {"first_ms": round(times[0], 1), "warm_ms": round(machine.percentile(times[-40:], 50), 1)}


def _page(home: House, headers: dict[str, str], path: str, asked: list[str], clients: int) -> Page:
    return _cost(home, _job(home.address, headers, path, asked, clients), None)


def _job(address: str, headers: dict[str, str], path: str, asked: list[str], clients: int) -> dict[str, Any]:
    kept = {name: value for name, value in headers.items() if name.lower() in ("cookie", "authorization")}
    paths = [f"{path}?{one}" for one in asked]
    return {"address": address, "headers": kept, "paths": paths, "clients": clients, "requests": REQUESTS}


def _cost(home: House, job: dict[str, Any], server: int | None) -> Page:
    """Of the requests of a job; server: the process at the root of another web server than the house's."""
    _hammered(job | {"requests": len(job["paths"])})

    def used() -> tuple[float, float]:
        web = home.cpu(WEB) if server is None else machine.tree_cpu(server)
        return web, home.cpu(DATABASE)

    idle_began, idle = time.monotonic(), used()
    time.sleep(IDLE_SECONDS)
    idle_seconds, idle_after = time.monotonic() - idle_began, used()
    before = used()
    done = _hammered(job)
    web, database = (
        (after - start - (rest_after - rest) / idle_seconds * done["seconds"]) * 1000 / job["requests"]
        for after, start, rest_after, rest in zip(used(), before, idle_after, idle, strict=True)
    )
    times: list[float] = done["times"]
    p50, p95 = machine.percentile(times, 50), machine.percentile(times, 95)
    return Page(web, database, p50, p95, max(times), job["requests"] / done["seconds"])


def _hammered(job: dict[str, Any]) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.hammering"]
    done = subprocess.run(command, cwd=house.ROOT, input=json.dumps(job), stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _python(home: House, *arguments: str) -> str:
    command = [sys.executable, "-m", *arguments]
    done = subprocess.run(command, env=home.environment, cwd=house.ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout


@contextmanager
def _serving(program: str, where: dict[str, str]) -> Iterator[tuple[str, int]]:
    """Another program under the same web server with the same settings."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", "1", "--http", "1", "--no-ws", "--log-level", "error", "--blocking-threads", "16"]
    process = subprocess.Popen([*command, program], env={**os.environ, **where}, cwd=house.ROOT)
    address = f"http://127.0.0.1:{port}"
    try:
        _until_up(address, process)
        yield address, process.pid
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            for child in psutil.Process(process.pid).children(recursive=True):
                child.kill()
            process.kill()


def _until_up(address: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            httpx.get(address, timeout=30).raise_for_status()
            return
        except httpx.HTTPError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"A floor did not start: {error}") from error
            time.sleep(0.2)


def _lines(run: dict[str, Any]) -> Iterator[str]:
    yield ""
    yield f"{run['count']:,} items, half pictures and half texts; CPU ms of a request: web + database, then wall ms"
    for number, page in run["pages"].items():
        yield _line(f"search page, {number} at once", page)
    yield _line("API", run["api"])
    for name, page in run["filtered"].items():
        yield _line(f"API, in a collection: {name}", page)
    yield _line("bare page (floor)", run["raw"])
    if "naive" in run:
        yield _line("page of the ORM, 4 at once", run["naive"])
    sql = run["sql"]
    yield (
        f"its own SQL alone {sql['all']['cpu_ms']:.2f} ms CPU; in the database {sql['all']['database_ms']:.2f}, of"
        f" which by vector {sql['vector']['database_ms']:.2f} and by words {sql['words']['database_ms']:.2f}"
    )
    yield f"first search after a restart {run['restart']['first_ms']:.0f} ms, warm {run['restart']['warm_ms']:.1f}"


def _line(name: str, page: dict[str, float]) -> str:
    return (
        f"{name:<34} {page['web']:6.2f} + {page['database']:6.2f}   p50 {page['p50']:6.1f}  p95 {page['p95']:6.1f}"
        f"  longest {page['longest']:6.0f}   {page['rate']:6.1f}/s"
    )


def _targets(runs: list[dict[str, Any]]) -> Iterator[Target]:
    run = runs[-1]
    n, page, sql = f"{run['count'] // 1000}k", run["pages"]["1"], run["sql"]
    yield Target(f"{n}: web CPU of a search page / of a bare one", 1.3, page["web"] / run["raw"]["web"])
    whole = page["web"] + page["database"]
    yield Target(f"{n}: CPU of a search page / of its own SQL", 1.7, whole / sql["all"]["cpu_ms"])
    yield Target(f"{n}: search page, p50 ms (2 quiet cores)", 4, page["p50"])
    yield Target(f"{n}: search page, p95 ms (2 quiet cores)", 8, page["p95"])
    hybrid = (sql["vector"]["database_ms"] + sql["words"]["database_ms"]) / sql["vector"]["database_ms"]
    yield Target(f"{n}: words and vectors / vectors alone, CPU, common words", 4, hybrid)
    yield Target(f"{n}: first search after a restart / warm", 2, run["restart"]["first_ms"] / run["restart"]["warm_ms"])
    cpu = {name: one["web"] + one["database"] for name, one in run["filtered"].items()}
    unfiltered = run["api"]["web"] + run["api"]["database"]
    worst = max(cpu, key=lambda name: cpu[name])
    yield Target(f"{n}: worst collection ({worst}) / all of them, CPU over HTTP", 8, cpu[worst] / unfiltered)
    longest = max(page["longest"] for page in (run["pages"]["1"], run["api"], *run["filtered"].values()))
    yield Target(f"{n}: longest answer to one client, ms", LONGEST_MS, longest)
    naive = next((one for one in runs if "naive" in one), None)
    if naive is not None:
        small = f"{naive['count'] // 1000}k"
        rate = naive["pages"][str(CLIENTS[1])]["rate"] / naive["naive"]["rate"]
        yield Target(f"{small}: search pages a second / of the ORM's page, 4 at once", 3, rate, least=True)

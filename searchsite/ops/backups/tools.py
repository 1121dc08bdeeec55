"""pg_dump and pg_restore: the bundled ones, or those of this machine that fit the server."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import IO

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from searchsite.config import Config
from searchsite.ops import postgres, process
from searchsite.ops.backups import manifest
from searchsite.ops.errors import CannotKeep, CannotStart
from searchsite.steps import Keeping, reached

PIECE = 1 << 20
# Whoever is signed in signs in anew, and what was counted or learnt of the moment is of another moment.
NOT_KEPT = ("django_session", "cache_entry", "list_entry", "provider_pause")
KEPT = ("PATH", "HOME", "LANG", "TZ", "LD_LIBRARY_PATH")
# The first with `transaction_timeout`, which a dump sets.
SINCE_LIMIT = 17
# What libpq takes on the command line alone, beside the password.
SECRET = {"sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key"}
# What their sessions are called on the server.
APPLICATION = "searchsite backup and restore"
DEBIAN = Path("/usr/lib/postgresql")
Tell = Callable[[int], object]


def conninfo(config: Config, database: str) -> tuple[str, str | None]:
    """How libpq reaches a database of ours, and the password apart, which belongs on no command line."""
    if config.database_url is None:
        return postgres.conninfo(config, database), None
    parts = dict(conninfo_to_dict(config.database_url.get_secret_value()))
    if seen := SECRET.intersection(parts):
        raise CannotKeep(
            f"With {min(seen)} in DATABASE_URL nothing is backed up or restored, since other users of this machine"
            " would see it meanwhile. A password may stand there, or in ~/.pgpass; a key may have none."
        )
    password = parts.pop("password", None)
    return make_conninfo("", **parts | {"dbname": database}), None if password is None else str(password)


def dump(path: Path, config: Config, *, database: str, snapshot: str, major: int, tell: Tell) -> str:
    """Dump what a snapshot sees into a file; return the digest."""
    words = [
        "--format=custom",
        "--schema=public",
        "--no-owner",
        "--no-privileges",
        "--no-comments",
        f"--snapshot={snapshot}",
    ]
    words += [f"--exclude-table-data={table}" for table in NOT_KEPT]
    # What it writes it also has to be put back by, and newer ones say what older servers do not know.
    require_fit(major, version_of("pg_dump", major))
    digest = hashlib.sha256()
    with manifest.private(path).open("wb") as out, _run("pg_dump", words, config, database, major) as running:
        assert running.stdout is not None
        while piece := running.stdout.read(PIECE):
            digest.update(piece)
            out.write(piece)
            tell(len(piece))
    return digest.hexdigest()


def load(path: Path, config: Config, *, database: str, major: int, tell: Tell) -> None:
    """Fill an empty database from a dump, wholly or not at all."""
    # Without the schema itself, which is there, and extensions, which are.
    words = ["--schema=public", "--no-owner", "--no-privileges", "--no-comments"]
    words += ["--single-transaction", "--exit-on-error"]
    with path.open("rb") as file, _run("pg_restore", words, config, database, major) as running:
        assert running.stdin is not None
        # With a broken pipe it has given up, and says why.
        with suppress(BrokenPipeError):
            while piece := file.read(PIECE):
                running.stdin.write(piece)
                tell(len(piece))
            running.stdin.flush()
        # It has got all there is, and goes on by itself.
        reached(Keeping.RESTORE_LOADING)


@contextmanager
def _run(name: str, words: list[str], config: Config, database: str, major: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run one of them to its end. Raises CannotKeep with its last words when it fails."""
    reached, password = conninfo(config, database)
    reached = make_conninfo(reached, application_name=APPLICATION)
    environment = _environment() | ({} if password is None else {"PGPASSWORD": password})
    with tempfile.TemporaryFile() as said:
        running = subprocess.Popen(
            process.on_leash([_tool(name, major), *words, f"--dbname={reached}"]),
            stdin=subprocess.PIPE if name == "pg_restore" else subprocess.DEVNULL,
            stdout=subprocess.PIPE if name == "pg_dump" else subprocess.DEVNULL,
            stderr=said,
            env=environment,
        )
        try:
            yield running
        except BaseException:
            running.kill()
            raise
        finally:
            for pipe in (running.stdin, running.stdout):
                _close(pipe)
            code = running.wait()
        if code:
            raise CannotKeep(f"{name} failed: {_last_words(said)}")


def _environment() -> dict[str, str]:
    """What they need of ours, and no key of anybody. HOME holds certificates and passwords of libpq."""
    kept = {name: value for name, value in os.environ.items() if name in KEPT or name.startswith("PG")}
    return kept | {"LC_ALL": "C"}


def _close(pipe: IO[bytes] | None) -> None:
    if pipe is not None and not pipe.closed:
        with suppress(BrokenPipeError):
            pipe.close()


def _last_words(said: IO[bytes]) -> str:
    said.seek(0)
    lines = said.read(1 << 16).decode("utf-8", "replace").splitlines()
    telling = [line for line in lines if "error:" in line] or lines or ["it said nothing"]
    return telling[0].partition("error: ")[2] or telling[0]


def version_of(name: str, major: int) -> int:
    """The version of the one that is taken for a server: its own; else the oldest that is newer, which reads it too."""
    versions = [of for of in _found(name).values() if of >= major]
    if not versions:
        raise CannotKeep(f"There is no {name} of Postgres {major} here: install its client programs.")
    return min(versions)


def require_fit(server: int, version: int) -> None:
    """Refuse programs whose dumps an older server does not take: from 17 on they set a limit that it does not know."""
    if server < SINCE_LIMIT <= version:
        raise CannotKeep(
            f"Programs of Postgres {version} cannot restore to a server of Postgres {server}:"
            f" install the client programs of Postgres {server}."
        )


def _tool(name: str, major: int) -> str:
    version = version_of(name, major)
    return next(path for path, of in _found(name).items() if of == version)


@lru_cache(maxsize=4)
def _found(name: str) -> Mapping[str, int]:
    """Those there are, and the version of each."""
    versions = {}
    for path in _candidates(name):
        asked = [path, "--version"]
        said = subprocess.run(asked, env=_environment(), capture_output=True, text=True, check=False).stdout
        if version := re.search(r" (\d+)", said):
            versions[path] = int(version[1])
    return versions


def _candidates(name: str) -> list[str]:
    paths = [str(path) for path in DEBIAN.glob(f"*/bin/{name}")]
    if there := shutil.which(name):
        paths.append(there)
    with suppress(CannotStart):
        paths.append(postgres.binary(name))
    return [path for path in paths if Path(path).is_file()]

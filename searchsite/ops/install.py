"""Makes `.venv` from the hashed lock files, only when they changed. Uses nothing but the standard library."""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import os
import re
import subprocess
import sys
import venv
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "installed.json"
RUN_LOCK = ROOT / "requirements.lock"
DEV_LOCK = ROOT / "tests" / "requirements.lock"


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def wanted(dev: bool) -> dict[str, str]:
    """What the stamp must hold, for the environment to be complete."""
    stamp = {"python": f"{sys.version_info[0]}.{sys.version_info[1]}", "run": digest(RUN_LOCK)}
    return stamp | ({"dev": digest(DEV_LOCK)} if dev else {})


def installed() -> dict[str, str]:
    """The stamp of the last complete installation; empty when there is none or its Python no longer runs."""
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
        subprocess.run([PYTHON, "-I", "-c", "import pip"], check=True, capture_output=True)
    except (OSError, ValueError, subprocess.CalledProcessError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


@contextmanager
def alone() -> Iterator[None]:
    """Let one installation run at a time; the lock goes with the process, however it ends."""
    with RUN_LOCK.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another installation is running here; waiting for it.")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def say(line: str) -> None:
    print(line, flush=True)


def make_environment() -> None:
    say(f"Making .venv with Python {sys.version.split()[0]}")
    venv.EnvBuilder(with_pip=True, clear=True, symlinks=True).create(VENV)


def count_packages(lock: Path) -> int:
    return len(re.findall(r"(?m)^[A-Za-z0-9._-]+==", lock.read_text(encoding="utf-8")))


def show_progress(line: str, done: int, total: int) -> None:
    """One line that redraws itself on a terminal, every tenth package elsewhere."""
    name = line.removeprefix("Collecting ").split()[0]
    if sys.stdout.isatty():
        print(f"\r\033[K  {done} of about {total}: {name}", end="", flush=True)
    elif done % 10 == 0:
        say(f"  {done} of about {total}: {name}")


def run_pip(lock: Path) -> bool:
    """Install one lock file, showing what is being fetched; on failure the last lines of pip say why."""
    command: list[str | Path] = [
        PYTHON,
        "-m",
        "pip",
        "install",
        "--require-hashes",
        "--no-input",
        "--progress-bar",
        "off",
    ]
    command += ["--disable-pip-version-check", "--only-binary", ":all:", "-r", lock]
    total, done = count_packages(lock), 0
    last: deque[str] = deque(maxlen=12)
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment) as pip:
        for line in pip.stdout or ():
            last.append(line.rstrip())
            if line.startswith(("Collecting ", "Requirement already satisfied")):
                done += 1
                show_progress(line, done, total)
            elif line.startswith("Installing collected packages"):
                say(("\r\033[K" if sys.stdout.isatty() else "") + "  unpacking")
    if pip.returncode:
        say("\n".join(["", *last, ""]))
    return pip.returncode == 0


def install(dev: bool) -> int:
    """Bring `.venv` up to date; the stamp is written last, so an interrupted installation is redone."""
    target, present = wanted(dev), installed()
    if target.items() <= present.items():
        return 0
    if present.get("python") != target["python"]:
        make_environment()
    STAMP.unlink(missing_ok=True)
    lock = DEV_LOCK if dev else RUN_LOCK
    say(f"Installing {count_packages(lock)} packages of {lock.relative_to(ROOT)} (once; a minute or two)")
    if not run_pip(lock):
        say("The packages could not be installed; the lines above say why. Is a package index reachable?")
        return 1
    partial = STAMP.with_suffix(".partial")
    partial.write_text(json.dumps(target), encoding="utf-8")
    partial.replace(STAMP)
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="bootstrap", description=__doc__)
    parser.add_argument("--dev", action="store_true", help="install what the tests and checks need, too")
    options = parser.parse_args()
    try:
        with alone():
            return install(options.dev)
    except KeyboardInterrupt:
        say("\nStopped; the next start goes on with the installation.")
        return 130
    except OSError as error:
        say(f"The environment in {VENV} could not be made: {error}.")
        return 1


if __name__ == "__main__":
    sys.exit(main())

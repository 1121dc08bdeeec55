"""What works for nobody in particular gives way to what serves people, on whichever side of the database."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.db import connection

from searchsite import config as configuration
from searchsite.ops import leash, process
from searchsite.ops.process import Program
from tests import house, servers
from tests.house import ROOT

AT_ONCE = 12
# Nobody's: whoever is not root may change ten sessions a second. PR_SET_DUMPABLE gives back what setuid takes: the
# files in /proc of its own.
AS_NOBODY = """
import ctypes, os, sys
from searchsite import priority
os.setsid()
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
print("ready", flush=True)
sys.stdin.readline()
print(priority.step_back(9), flush=True)
sys.stdin.readline()
"""
STEPPED_BACK = """
import os
import django
os.nice(7)
django.setup()
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("SELECT pg_backend_pid()")
    print(cursor.fetchone()[0], flush=True)
    input()
"""

# Takes each turn for itself for a while. Root need not wait for one: it gives up CAP_SYS_ADMIN, which is the 21st.
BESIDE_OTHERS = """
import ctypes, os, threading
from contextlib import suppress
from pathlib import Path
import django
os.setsid()
os.nice(7)
of_us, held = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
libc = ctypes.CDLL(None)
assert libc.capget(of_us, held) == 0
held[0] &= ~(1 << 21)
assert libc.capset(of_us, held) == 0
begun, enough = threading.Event(), threading.Event()
def take() -> None:
    while not enough.is_set():
        with suppress(BlockingIOError):
            Path("/proc/self/autogroup").write_bytes(b"7")
            begun.set()
django.setup()
from django.db import connection
threading.Thread(target=take, daemon=True).start()
begun.wait()
from searchsite import priority
priority.step_back.__kwdefaults__["patience"] = 3600
priority.follow()
with connection.cursor() as cursor:
    cursor.execute("SELECT pg_backend_pid()")
    print(cursor.fetchone()[0], flush=True)
    input()
    enough.set()
    input()
"""


def priority_of(pid: int) -> tuple[int, int]:
    """The niceness of a process and of its session."""
    niceness, shares = os.getpriority(os.PRIO_PROCESS, pid), Path(f"/proc/{pid}/autogroup")
    found = re.search(r"nice (-?\d+)", shares.read_text()) if shares.exists() else None
    return niceness, int(found[1]) if found else niceness


def talking(code: str, environment: Mapping[str, str] = os.environ) -> subprocess.Popen[str]:
    """A process that reads lines and says some."""
    command, pipe = [sys.executable, "-c", code], subprocess.PIPE
    return subprocess.Popen(command, env={**environment}, cwd=ROOT, stdin=pipe, stdout=pipe, text=True)


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def tell(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def test_a_program_steps_back_with_its_session(tmp_path) -> None:
    code = "import os, sys; print(os.getsid(0) == os.getpid(), flush=True); sys.stdin.read()"
    program = Program(
        "sleeper", (sys.executable, "-c", code + "; import time; time.sleep(60)"), tmp_path / "log", nice=9
    )
    running = process.start(program)
    try:
        servers.wait_until(lambda: None if "True" in program.log.read_text() else "not yet", running)
        assert priority_of(running.pid) == (9, 9)
    finally:
        running.stop()


def test_it_steps_back_from_where_the_house_was_started() -> None:
    """Under `nice` the site itself stands lower, and workers below it all the same."""
    leashed = [sys.executable, "-I", "-S", leash.__file__, "--parent", str(os.getpid()), "--nice", "9"]
    told = [sys.executable, "-c", "import os; print(os.nice(0))"]
    done = subprocess.run(["nice", "-n", "5", *leashed, "--", *told], capture_output=True, text=True, check=True)
    assert done.stdout == "14\n"


def test_of_many_who_step_back_at_once_none_stays() -> None:
    with ExitStack() as stack:
        many = [stack.enter_context(talking(AS_NOBODY)) for _ in range(AT_ONCE)]
        assert [said(one) for one in many] == ["ready"] * AT_ONCE
        for one in many:
            tell(one)
        assert [said(one) for one in many] == ["True"] * AT_ONCE
        assert [priority_of(one.pid) for one in many] == [(9, 9)] * AT_ONCE
        for one in many:
            tell(one)


@pytest.mark.django_db(transaction=True)
def test_the_embedded_database_serves_a_worker_at_the_workers_priority() -> None:
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "searchsite.settings"}
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        assert priority_of(cursor.fetchone()[0]) == (0, 0)
    assert configuration.load().database_url is None
    with talking(STEPPED_BACK, environment) as worker:
        assert priority_of(int(said(worker))) == (7, 7)
        tell(worker)


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(not Path("/proc/self/autogroup").exists(), reason="no sessions have shares here")
def test_where_others_take_their_turns_a_decoder_goes_on_and_the_database_follows_later() -> None:
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "searchsite.settings"}
    with talking(BESIDE_OTHERS, environment) as worker:
        backend = int(said(worker))
        was = priority_of(backend)
        tell(worker)
        house.wait_until(lambda: priority_of(backend) == (7, 7))
        tell(worker)
    assert was == (7, 0)

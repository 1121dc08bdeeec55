"""What a child that decodes HEIC may start: threads, and no process."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from searchsite.library.decoder.threads import PROCESSORS

TRIES = """
import ctypes, os, subprocess, threading
from searchsite.library.decoder.threads import allow_threads_alone
library = ctypes.CDLL(None)
library.prctl(38, 1, 0, 0, 0)
assert allow_threads_alone(library)
done = []
thread = threading.Thread(target=lambda: done.append("thread"))
thread.start()
thread.join()
for attempt in (os.fork, lambda: os.posix_spawn("/bin/true", ["true"], {}), lambda: os.execv("/bin/true", ["true"])):
    try:
        attempt()
    except PermissionError:
        done.append("refused")
print(*done)
"""


@pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in PROCESSORS, reason="the filter is made for Linux alone"
)
def test_it_may_start_threads_and_no_process() -> None:
    ran = subprocess.run([sys.executable, "-c", TRIES], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["thread", "refused", "refused", "refused"]

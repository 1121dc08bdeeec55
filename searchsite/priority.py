"""How much of the processor a process gets where others want it, too.

Linux may share it among sessions first and among a session's processes then (autogroup): a niceness counts within a
session alone, and each program that we start leads one of its own. So the session gets one, too.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

AGAIN_SECONDS = 0.15


def step_back(niceness: int, pid: int = 0) -> None:
    """Give a process this niceness, and the session that it leads. pid: 0 for our own. Raises OSError."""
    os.setpriority(os.PRIO_PROCESS, pid, niceness)
    shares = Path(f"/proc/{pid or 'self'}/autogroup")
    if not shares.exists() or os.getsid(pid) != (pid or os.getpid()):
        return
    # Whoever is not root may do so ten times a second, all users together.
    for _ in range(5):
        try:
            shares.write_text(str(niceness), encoding="ascii")
        except BlockingIOError:
            time.sleep(AGAIN_SECONDS)
        else:
            return


def follow() -> None:
    """Have the session that this process leads step back as far as the process that started it has."""
    if (niceness := os.getpriority(os.PRIO_PROCESS, 0)) > 0:
        step_back(niceness)

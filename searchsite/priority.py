"""How much of the processor a process gets where others want it, too.

Linux may share it among sessions first and among a session's processes then (autogroup): a niceness counts within a
session alone, and each program that we start leads one of its own. So the session gets one, too.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

# Whoever is not root may change a session's ten times a second, all users together, and a try that fails counts for
# nothing: of forty who begin at once the last has his turn after four seconds.
PATIENCE_SECONDS = 15.0
# A decoder's first picture waits meanwhile, and has little more time than its reading may take.
PATIENCE_OF_WHO_IS_WAITED_FOR = 2.0
LONGEST_PAUSE_SECONDS = 0.2


def step_back(niceness: int, pid: int = 0, *, patience: float = PATIENCE_SECONDS) -> bool:
    """Give a process this niceness, and the session that it leads. pid: 0 for our own. Raises OSError.

    False: for so many seconds others had their sessions changed, and only the process has stepped back.
    """
    os.setpriority(os.PRIO_PROCESS, pid, niceness)
    shares = Path(f"/proc/{pid or 'self'}/autogroup")
    if not shares.exists() or os.getsid(pid) != (pid or os.getpid()):
        return True
    until = time.monotonic() + patience
    while not _written(shares, niceness):
        if time.monotonic() >= until:
            return False
        # By lot, so that those who began at once do not come at once again.
        time.sleep(LONGEST_PAUSE_SECONDS * os.urandom(1)[0] / 255)
    return True


def _written(shares: Path, niceness: int) -> bool:
    try:
        shares.write_bytes(b"%d" % niceness)
    except BlockingIOError:
        return False
    return True


def follow() -> None:
    """Have the session that this process leads step back as far as the process that started it has, if it can soon."""
    if (niceness := os.getpriority(os.PRIO_PROCESS, 0)) > 0:
        step_back(niceness, patience=PATIENCE_OF_WHO_IS_WAITED_FOR)

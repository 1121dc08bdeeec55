"""The embedded Postgres serves whoever has stepped back at that one's own priority, not at that of a person's page."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from typing import Any

import structlog
from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper

from searchsite import priority

log = structlog.get_logger()


def with_us(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Give the server's process behind a new connection our own niceness; where the server is another's, nothing."""
    niceness = os.getpriority(os.PRIO_PROCESS, 0)
    if niceness > 0 and sys.platform == "linux" and settings.CONFIG.database_url is None:
        pid = connection.connection.info.backend_pid
        # The process that was just begun may have ended already.
        with suppress(OSError):
            if not priority.step_back(niceness, pid, patience=0):
                # Many have just begun. Whoever connects is not to wait for his turn.
                threading.Thread(target=_in_turn, args=(niceness, pid), daemon=True).start()


def _in_turn(niceness: int, pid: int) -> None:
    with suppress(OSError):
        if not priority.step_back(niceness, pid):
            log.warning("the database serves this worker at a higher priority than the worker has", process=pid)

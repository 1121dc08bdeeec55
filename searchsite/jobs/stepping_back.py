"""The embedded Postgres serves whoever has stepped back at that one's own priority, not at that of a person's page."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper

from searchsite import priority


def with_us(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Give the server's process behind a new connection our own niceness; where the server is another's, nothing."""
    niceness = os.getpriority(os.PRIO_PROCESS, 0)
    if niceness > 0 and sys.platform == "linux" and settings.CONFIG.database_url is None:
        # The process that was just begun may have ended already.
        with suppress(OSError):
            priority.step_back(niceness, connection.connection.info.backend_pid)

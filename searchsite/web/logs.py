"""What Django writes into the log of a web process: tracebacks of our faults alone."""

from __future__ import annotations

import logging

MOST = 1000


def write() -> None:
    """Write warnings and errors to the standard error, as Python does without any handler."""
    handler = logging.StreamHandler()
    handler.setLevel(logging.WARNING)
    handler.addFilter(brief)
    logging.getLogger().addHandler(handler)


def brief(record: logging.LogRecord) -> bool:
    """Leave one line of what a request did wrong, as anybody could fill the log with such."""
    if record.name.startswith("django.security.") or getattr(record, "status_code", 500) < 500:
        record.exc_info = record.exc_text = None
        record.msg, record.args = record.getMessage()[:MOST], ()
    return True

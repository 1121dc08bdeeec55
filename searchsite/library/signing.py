"""Addresses of files at FILES_URL: signed, good for some minutes, for whoever has them.

Sign only what the person may see who is told the address: it opens the file without asking who comes.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

from django.conf import settings
from django.core.signing import Signer
from django.utils.crypto import constant_time_compare

# Clocks of two machines may be so far apart.
LEEWAY = 60
FORM = re.compile(r"/(?P<until>[1-9][0-9]{0,11})-(?P<mark>[A-Za-z0-9_-]{43})(?P<path>/.{1,200})")


class Expired(Exception):
    """The address was good once."""


@dataclass(frozen=True)
class Opened:
    """What a signed address opens, and for how many seconds more, as its signer's clock has it."""

    path: str
    seconds: int


def shown(path: str) -> str:
    """Where a page shows the file that this site has at `path`: there, or at the host of files."""
    if not path or not settings.FILES_URL:
        return path
    until = _until(time.time())
    return f"{settings.FILES_URL}/{until}-{_mark(until, path)}{path}"


def opened(address: str, now: float) -> Opened | None:
    """What a signed path opens; None where it is none of ours, or was altered. Raises Expired."""
    match = FORM.fullmatch(address)
    if match is None:
        return None
    until, path = int(match["until"]), match["path"]
    if not constant_time_compare(match["mark"], _mark(until, path)):
        return None
    if now > until + LEEWAY:
        raise Expired
    return Opened(path, max(1, min(int(until - now), settings.FILES_SECONDS)))


def _until(now: float) -> int:
    """The end of a window: within one an address stays the same, so that browsers keep what they have.

    Even a clock that is behind by the leeway gives nobody more than FILES_SECONDS.
    """
    window = (settings.FILES_SECONDS - LEEWAY) // 2
    return (int(now) // window + 2) * window


def _mark(until: int, path: str) -> str:
    """HMAC-SHA256, by a key of its own that is derived from SECRET_KEY."""
    return Signer(salt="searchsite.files", algorithm="sha256").signature(f"{until}:{path}")

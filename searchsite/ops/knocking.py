"""Asks a program on a unix socket one thing, to tell whether it answers."""

from __future__ import annotations

import socket
from pathlib import Path


def wrong(path: Path, words: bytes, *, wanted: bytes, seconds: float) -> str | None:
    """None when what answers there says what is wanted, else what is wrong."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(seconds)
            connection.connect(str(path))
            connection.sendall(words)
            said = connection.recv(64)
    except OSError as error:
        return error.strerror or str(error)
    return None if wanted in said else said.decode("ascii", "replace").strip()

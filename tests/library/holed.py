"""A decoder with a hole: one more format, whose parser runs what the file says. For what a child may do then.

`python -m tests.library.holed FD`, in the place of `python -m searchsite.library.decoder FD`.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable

from PIL import Image, ImageFile

from searchsite.library.decoder import preloading
from searchsite.library.decoder.parent import serve
from searchsite.library.decoder.protocol import Undecodable

MAGIC = b"HOLE"
HEIC = b"\0\0\0\x18ftypheic"
AT_HAND = (ctypes, mmap, os, resource, signal, socket, sys, threading, time)


def tried(attempt: Callable[[], object]) -> str:
    """What came of it: "refused", or what was got."""
    try:
        return f"got {attempt()!r}"
    except (OSError, RuntimeError, ValueError) as error:
        return f"refused: {type(error).__name__}"


class HoledFile(ImageFile.ImageFile):
    """Whatever it says is done in the child, and answered as the sentence about the file."""

    format = "HOLE"

    def _open(self) -> None:
        known = {one.__name__: one for one in AT_HAND} | {"tried": tried, "library": ctypes.CDLL(None)}
        exec(self.fp.read().partition(MAGIC)[2].decode(), known)
        raise Undecodable(str(known.get("answer")))


Image.register_open("HOLE", HoledFile, lambda prefix: MAGIC in prefix)
preloading.FORMATS = ("HOLE", *preloading.FORMATS)

if __name__ == "__main__":
    serve(int(sys.argv[1]))

"""What a request says of the type of its body."""

from __future__ import annotations

import re

BOUNDARY = re.compile(r';\s*boundary=("[^"\\]{1,200}"|[^\s;,"]{1,200})', re.IGNORECASE)


def plain(said: str) -> str:
    """The media type, with the boundary of its parts if it names one.

    Django takes each charset that Python knows for that of all that was sent, be it zlib, and fails at some parameters
    before any of its middleware. Pages and programs send UTF-8.
    """
    kind = said.partition(";")[0].strip()
    boundary = BOUNDARY.search(said)
    return f"{kind}; boundary={boundary[1]}" if boundary else kind

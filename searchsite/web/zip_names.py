"""Names of files within a zip: what any system can unpack, each once, and never a path."""

from __future__ import annotations

import re
import unicodedata

from searchsite.library.wording import clean_line

MOST_BYTES = 150
"""Of a name without its extension; with it and a number it stays below what file systems take."""
FORBIDDEN = re.compile(r'[/\\:*?"<>|\u2044\u2215\uff0f\uff3c]+')
# Windows keeps these for devices, whatever comes after a dot.
DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.I)


class Names:
    """The names given so far: no two are alike, not even where case and accents are not told apart."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._last: dict[str, int] = {}

    def give(self, title: str, extension: str) -> str:
        """Return a free name like "Title.jpg", or "Title (2).jpg" where that one is taken."""
        stem = safe(title)
        key = _folded(stem + extension)
        number = self._last.get(key, 0)
        while True:
            number += 1
            name = f"{stem}{extension}" if number == 1 else f"{stem} ({number}){extension}"
            if _folded(name) not in self._taken:
                break
        self._last[key] = number
        self._taken.add(_folded(name))
        return name


def safe(title: str) -> str:
    """Return a title as a file's name without its extension."""
    flat = FORBIDDEN.sub("-", clean_line(title, limit=MOST_BYTES))
    cut = flat.encode("utf-8", "ignore")[:MOST_BYTES].decode("utf-8", "ignore")
    name = cut.strip(" .")
    return f"_{name}" if DEVICES.fullmatch(name) else name or "-"


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()

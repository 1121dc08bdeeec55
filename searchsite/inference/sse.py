"""Server-sent events out of the bytes of an answer, however they were cut on their way."""

from __future__ import annotations

from collections.abc import Iterator

DONE = "[DONE]"
"""What ends a stream of chat events."""
BOM = b"\xef\xbb\xbf"


class Reader:
    """Takes chunks of bytes and gives the data of each event that is whole. Comments and other fields are skipped."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[str] = []
        self._began = False

    def feed(self, chunk: bytes) -> Iterator[str]:
        """The data of the events that end in this chunk. A line is decoded whole: a chunk may end within a letter."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            if not self._began:
                line, self._began = line.removeprefix(BOM), True
            text = line.removesuffix(b"\r").decode("utf-8", "replace")
            if text.startswith("data:"):
                self._data.append(text.removeprefix("data:").removeprefix(" "))
            # The mark of the end needs no empty line after it: some servers leave that out.
            if self._data and (not text or self._data == [DONE]):
                yield "\n".join(self._data)
                self._data = []

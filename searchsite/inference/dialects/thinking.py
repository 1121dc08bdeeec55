"""Tells what a network thinks from what it says, where the server leaves both in one text between tags."""

from __future__ import annotations

OPEN, CLOSE = "<think>", "</think>"


class Splitter:
    """Takes the texts of a stream piece by piece. Only tags before the first word count: later ones are text."""

    def __init__(self) -> None:
        self._held = ""
        self._thinking = False
        self._speaking = False
        self._started = False

    def feed(self, text: str) -> tuple[str, str]:
        """What of the text so far is surely said, and what surely thought; half a tag is held back."""
        if self._speaking:
            return self._said(text), ""
        self._held += text
        if not self._thinking:
            begun = self._held.lstrip()
            if OPEN.startswith(begun[: len(OPEN)]) and len(begun) < len(OPEN):
                return "", ""
            self._thinking = begun.startswith(OPEN)
            if not self._thinking:
                return self._speak(self._held), ""
            self._held = begun.removeprefix(OPEN)
        thought, closed, rest = self._held.partition(CLOSE)
        if closed:
            return self._speak(rest), thought
        kept = _half_a_tag(thought)
        self._held = thought[len(thought) - kept :]
        return "", thought[: len(thought) - kept]

    def end(self) -> tuple[str, str]:
        """What was held back when the stream came to its end."""
        held, self._held = self._held, ""
        return ("", held) if self._thinking and not self._speaking else (held, "")

    def _speak(self, text: str) -> str:
        self._speaking, self._held = True, ""
        return self._said(text)

    def _said(self, text: str) -> str:
        """The text without the white space that stands before the first word."""
        if not self._started:
            text = text.lstrip()
            self._started = bool(text)
        return text


def split(text: str) -> tuple[str, str]:
    """What a whole answer says, and what it thought before."""
    splitter = Splitter()
    said, thought = splitter.feed(text)
    rest, more = splitter.end()
    return said + rest, thought + more


def _half_a_tag(text: str) -> int:
    """How many characters at the end may be the beginning of the closing tag."""
    return next((size for size in range(len(CLOSE) - 1, 0, -1) if text.endswith(CLOSE[:size])), 0)

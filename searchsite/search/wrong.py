"""What can be wrong with a question."""

from __future__ import annotations


class BadQuestion(ValueError):
    """A question that can't be asked. `str()` is one sentence for people."""


class NotFound(BadQuestion):
    """The question names something that is not there for this person."""


class TooLong(BadQuestion):
    """Looking up what the question demands takes longer than there is time."""

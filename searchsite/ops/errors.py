"""What keeps the house from starting, each as one plain sentence."""

from __future__ import annotations


class CannotStart(Exception):
    """The start cannot go on; the message says why, and what to do."""

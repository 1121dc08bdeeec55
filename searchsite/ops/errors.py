"""What keeps the house from starting, from being backed up or restored: each as one plain sentence."""

from __future__ import annotations


class CannotStart(Exception):
    """The start cannot go on; the message says why, and what to do."""


class CannotKeep(Exception):
    """A backup or a restore cannot go on; the message says why, and nothing was changed."""

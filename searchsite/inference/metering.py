"""Where the client tells what calls cost, and asks whether one may go out."""

from __future__ import annotations

from typing import Protocol

from searchsite.inference.stages import Endpoint
from searchsite.inference.types import Usage


class Meter(Protocol):
    """Whoever keeps the accounts. A module with these two functions is one, too."""

    def admit(self, operation: str, endpoint: Endpoint) -> None:
        """Let a call go out. Raises OutOfBudget."""

    def record(self, usage: Usage) -> None:
        """Write down what a call cost, also one that failed after it was paid for."""


class Free:
    """The meter of whoever keeps no accounts."""

    def admit(self, operation: str, endpoint: Endpoint) -> None:
        """Every call goes out."""

    def record(self, usage: Usage) -> None:
        """Nothing is written down."""

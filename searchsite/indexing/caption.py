"""The stage caption: nothing is configured that could describe a picture, and the stage says so."""

from __future__ import annotations

from collections.abc import Sequence

from searchsite.jobs import queue
from searchsite.jobs.queue import Claim

NOT_CONFIGURED = "No captioner is configured."


def run(claims: Sequence[Claim]) -> None:
    """Refuse jobs of this kind; none is written while no captioner is configured."""
    for claim in claims:
        queue.fail(claim, NOT_CONFIGURED, permanent=True)

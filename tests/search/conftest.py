"""alice's team, its Inbox, and a fake inference server."""

from __future__ import annotations

from tests.people import alice, inbox, team
from tests.served import fake

__all__ = ["alice", "fake", "inbox", "team"]

"""Opaque cursors for lists ordered by newest first."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime

from searchsite.api.problems import Problem


def write(created_at: datetime, pk: int) -> str:
    """Return the cursor that continues after this row."""
    return base64.urlsafe_b64encode(f"{created_at.isoformat()} {pk}".encode()).decode().rstrip("=")


def read(cursor: str) -> tuple[datetime, int]:
    """Return the row that the cursor continues after. A made-up cursor is a problem, not a fault."""
    try:
        plain = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
        moment, _, pk = plain.partition(" ")
        at, number = datetime.fromisoformat(moment), int(pk)
    except (binascii.Error, ValueError):
        raise Problem(400, "This cursor is not one of ours.", code="bad-cursor") from None
    if at.tzinfo is None or not 0 <= number < 2**63:
        raise Problem(400, "This cursor is not one of ours.", code="bad-cursor")
    return at, number

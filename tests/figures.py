"""What a test that proves a promise counted; kept for docs/promises.md where KEEP_FIGURES is set."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

KEPT = Path(__file__).resolve().parent.parent / "docs" / "figures"


def keep(promise: int, name: str, **figures: int | float | str) -> None:
    """Keep what the part `name` of a promise (1 to 10) came to, such as `lost=0, killed=20`; the last run counts."""
    if not os.environ.get("KEEP_FIGURES"):
        return
    KEPT.mkdir(parents=True, exist_ok=True)
    found = {"promise": promise, "name": name, "at": datetime.now(UTC).isoformat(timespec="seconds"), **figures}
    (KEPT / f"{promise:02}-{name}.json").write_text(json.dumps(found, indent=1) + "\n")

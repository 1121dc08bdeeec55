"""Pieces of SQL that several searches are made of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import LiteralString

# Columns by the same names in the item table and in the tables of vectors.
ITEM: Mapping[LiteralString, LiteralString] = {"item": "item.id", "by": "item.created_by_id", "": "item."}
VECTOR: Mapping[LiteralString, LiteralString] = {"item": "v.item_id", "by": "v.created_by", "": "v."}
# Case and accents aside, and with any run of blanks as one.
FOLDED: LiteralString = r"strpos(upper(unaccent(regexp_replace(<text>, '\s+', ' ', 'g'))), upper(unaccent(<phrase>)))"


def containing(token: str) -> str:
    """A pattern for LIKE of what contains this."""
    return "%" + re.sub(r"([\\%_])", r"\\\1", token) + "%"


def midnight(day: date) -> datetime:
    """When a day begins."""
    return datetime.combine(day, time.min, UTC)

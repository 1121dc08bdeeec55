"""Counts what inference was asked for."""

from __future__ import annotations

from typing import Protocol

from django.db import connection
from django.utils import timezone


class Used(Protocol):
    """What one call to inference reports of itself."""

    @property
    def operation(self) -> str: ...
    @property
    def embedder(self) -> str: ...
    @property
    def calls(self) -> int: ...
    @property
    def inputs(self) -> int: ...
    @property
    def tokens(self) -> int: ...
    @property
    def seconds(self) -> float: ...


UPSERT = """
INSERT INTO usage (day, operation, embedder, calls, inputs, tokens, seconds)
VALUES (%s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (day, operation, embedder) DO UPDATE SET
    calls = usage.calls + excluded.calls, inputs = usage.inputs + excluded.inputs,
    tokens = usage.tokens + excluded.tokens, seconds = usage.seconds + excluded.seconds
"""


def record(used: Used) -> None:
    """Add one call to today's sums."""
    today = timezone.now().date()
    row = (today, used.operation, used.embedder, used.calls, used.inputs, used.tokens, used.seconds)
    with connection.cursor() as cursor:
        cursor.execute(UPSERT, row)

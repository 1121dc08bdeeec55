"""Counts what inference was asked for and what it cost, and who pays."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Protocol

from django.db import connection
from django.utils import timezone

from searchsite.accounts import budgets, prices
from searchsite.accounts.models import Outcome

Payers = tuple[int | None, ...]
NOBODY: Payers = (None,)
SMALLEST = Decimal("1e-10")
# More than any call can cost or count: what a server says of itself is not believed beyond that.
MOST_DOLLARS, MOST = 10_000.0, 10**12
_payers: ContextVar[Payers] = ContextVar("payers", default=NOBODY)


class Used(Protocol):
    """What one call to inference reports of itself."""

    @property
    def operation(self) -> str: ...
    @property
    def embedder(self) -> str: ...
    @property
    def provider(self) -> str: ...
    @property
    def calls(self) -> int: ...
    @property
    def inputs(self) -> int: ...
    @property
    def pictures(self) -> int: ...
    @property
    def tokens(self) -> int: ...
    @property
    def output_tokens(self) -> int: ...
    @property
    def cost(self) -> float | None: ...
    @property
    def seconds(self) -> float: ...
    @property
    def failed(self) -> bool: ...


@dataclass(frozen=True)
class Share:
    """One team's part of a call."""

    team_id: int | None
    calls: int
    inputs: int
    tokens: int
    output_tokens: int
    cost: Decimal | None
    seconds: float

    @property
    def unpriced(self) -> int:
        """How many of the inputs have no known price."""
        return max(self.inputs, 1) if self.cost is None else 0


# One statement, so one round trip: the sums of the day and, of paid servers, the call. Teams are locked in their order.
RECORD = """
WITH share AS (
    SELECT * FROM unnest(%(team_id)s::bigint[], %(calls)s::bigint[], %(inputs)s::bigint[], %(tokens)s::bigint[],
        %(output_tokens)s::bigint[], %(cost)s::numeric[], %(unpriced)s::bigint[], %(seconds)s::float8[])
        AS share (team_id, calls, inputs, tokens, output_tokens, cost, unpriced, seconds)
), kept AS (
    INSERT INTO provider_call (team_id, operation, network, provider, calls, inputs, tokens, output_tokens, cost,
        seconds, outcome)
    SELECT team_id, %(operation)s, %(network)s, %(provider)s, calls, inputs, tokens, output_tokens, cost, seconds,
        %(outcome)s
    FROM share WHERE %(provider)s <> ''
)
INSERT INTO usage AS sums (day, team_id, operation, embedder, provider, calls, inputs, tokens, output_tokens, cost,
    unpriced, seconds)
SELECT %(day)s, team_id, %(operation)s, %(network)s, %(provider)s, calls, inputs, tokens, output_tokens, cost,
    unpriced, seconds
FROM share ORDER BY team_id
ON CONFLICT (day, operation, embedder, provider, team_id) DO UPDATE SET
    calls = sums.calls + excluded.calls, inputs = sums.inputs + excluded.inputs,
    tokens = sums.tokens + excluded.tokens, output_tokens = sums.output_tokens + excluded.output_tokens,
    cost = coalesce(sums.cost + excluded.cost, sums.cost, excluded.cost),
    unpriced = sums.unpriced + excluded.unpriced, seconds = sums.seconds + excluded.seconds
"""
COLUMNS = ("team_id", "calls", "inputs", "tokens", "output_tokens", "cost", "unpriced", "seconds")


@contextmanager
def paying(team_ids: Iterable[int | None]) -> Iterator[None]:
    """Let these teams pay for the calls made inside: one entry an input, so that each pays for its share.

    It holds for this thread; a thread started inside does not know of it.
    """
    token = _payers.set(tuple(team_ids) or NOBODY)
    try:
        yield
    finally:
        _payers.reset(token)


def payers() -> Payers:
    """Who pays for a call made now; None stands for the house."""
    return _payers.get()


def record(used: Used) -> None:
    """Write down one call: into today's sums, and where somebody may be paid for it, on its own as well."""
    shares = shared(used, payers())
    row = {name: [getattr(share, name) for share in shares] for name in COLUMNS} | {
        "day": timezone.now().date(),
        "operation": used.operation,
        "network": _name(used.embedder),
        "provider": _name(used.provider),
        "outcome": Outcome.FAILED if used.failed else Outcome.DONE,
    }
    with connection.cursor() as cursor:
        cursor.execute(RECORD, row)
    # After the row: what is read from the database in between is then counted twice for a moment, never missed.
    budgets.add((share.team_id, share.cost) for share in shares if share.cost)


def shared(used: Used, payers: Payers) -> list[Share]:
    """Divide a call among those who pay, by their entries. The shares add up exactly; the first bears the remainder."""
    entries = Counter(payers)
    cost = cost_of(used)
    smallest = None if cost is None else int((cost / SMALLEST).to_integral_value(ROUND_HALF_UP))
    counts = [used.calls, used.inputs, used.tokens, used.output_tokens, round(used.seconds * 1e6)]
    columns = [_split(min(max(count, 0), MOST), list(entries.values())) for count in counts]
    costs = [None] * len(entries) if smallest is None else _split(smallest, list(entries.values()))
    return [
        Share(team, calls, inputs, tokens, output, None if amount is None else amount * SMALLEST, micro / 1e6)
        for team, calls, inputs, tokens, output, micro, amount in zip(entries, *columns, costs, strict=True)
    ]


def cost_of(used: Used) -> Decimal | None:
    """US dollars: nothing for the embedded server, else what the provider says, else what the table of prices says."""
    if not used.provider:
        return Decimal(0)
    if used.cost is not None and math.isfinite(used.cost) and 0 <= used.cost <= MOST_DOLLARS:
        return Decimal(str(used.cost))
    rate = prices.rate_of(used.embedder, used.provider)
    tokens, output = min(max(used.tokens, 0), MOST), min(max(used.output_tokens, 0), MOST)
    return rate.cost(tokens, output_tokens=output, pictures=used.pictures) if rate else None


def _split(total: int, entries: Sequence[int]) -> list[int]:
    parts = [total * own // sum(entries) for own in entries]
    parts[0] += total - sum(parts)
    return parts


def _name(text: str) -> str:
    """A name as the column takes it."""
    return text.replace("\0", "")[:200]

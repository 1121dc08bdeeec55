"""What callers get of what providers cost, version 1."""

from __future__ import annotations

from datetime import date
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field


class UsageSums(BaseModel):
    """What was asked for, together."""

    calls: int
    inputs: int
    tokens: int
    output_tokens: int
    cost: float | None = Field(description="US dollars, as far as prices are known; null where none is.")
    unpriced: int = Field(description="How many of the inputs have no known price.")
    seconds: float


class UsageDay(UsageSums):
    """What a team asked of one network on one day."""

    day: date
    team: UUID | None = Field(description="The team that pays; null for the server itself, or a team that is gone.")
    team_name: str
    operation: str
    embedder: str = Field(description="The network.")
    provider: str = Field(description="Its server; empty for the embedded one, which costs nothing.")


class UsageGroup(UsageSums):
    """One sum of those asked for with `by`."""

    key: str = Field(description="The day, the operation, or the name of the network or the team.")
    detail: str = Field(description="Of a network its server, of a team its id.")


class BudgetOut(BaseModel):
    """What may be spent this month (UTC)."""

    of: Literal["team", "all"]
    name: str = Field(description="The team's; empty for the budget of all.")
    limit: float | None = Field(description="US dollars; null for no limit, or where it is not yours to know.")
    spent: float | None
    is_near: bool = Field(description="Four fifths or more are spent.")
    is_spent: bool = Field(description="Nothing is sent to paid servers until it renews.")
    renews: date


class UsageOut(BaseModel):
    """Usage, newest day first."""

    usage: list[UsageDay]
    groups: list[UsageGroup] = Field(
        description="Sums, where asked for with `by`: days newest first, else dearest first."
    )
    total: UsageSums
    budgets: list[BudgetOut]
    notes: list[str] = Field(description="Warnings and what is not known, in sentences.")
    prices_date: date = Field(description="The day of the prices, used where a provider does not say what a call cost.")

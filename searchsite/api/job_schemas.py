"""What callers get of the queue, version 1."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field


class WaitOut(BaseModel):
    """Why some jobs of a stage wait."""

    reason: str
    jobs: int
    until: datetime | None = Field(description="When they are tried next, where that is known.")


class StageStanding(BaseModel):
    """Where one stage stands in the team; whether it is paused, and what it waits for, is the same for all teams."""

    stage: str
    state: Literal["idle", "working", "waiting", "paused"] = Field(description="waiting: held up, as `waits` says.")
    configured: bool
    waiting: int
    running: int
    failed: int
    cancelled: int
    done: int
    done_exact: bool = Field(description="False: so many that they are estimated.")
    oldest_waiting_seconds: float | None
    per_minute: float = Field(description="Done in the last five minutes, else in the last fifteen.")
    seconds_left: float | None = Field(description="For all that waits, at that pace.")
    paused: bool
    paused_reason: str
    waits: list[WaitOut]


class FailuresOut(BaseModel):
    """Failures of one stage for one reason. Numbers and addresses in it are left out."""

    stage: str
    state: Literal["failed", "cancelled"]
    reason: str = Field(description="`sealed:` and a name, where it is about items that you may not see.")
    advice: str = Field(description="What a person can do about it.")
    jobs: int
    newest: datetime | None


class JobsChanged(BaseModel):
    """What was done."""

    jobs: int = Field(description="How many jobs it concerned.")


class JobsOut(BaseModel):
    """Jobs of the team."""

    counts: dict[str, dict[str, int]] = Field(
        description="By stage, then by state: waiting, running, done, failed, cancelled."
    )
    stages: list[StageStanding]
    failures: list[FailuresOut] = Field(description="The newest 2,000, grouped; the largest group first.")

"""A person pauses a stage, or lets it go on: each is a line of the audit log, kept with the change or not at all."""

from __future__ import annotations

from django.db import transaction

from searchsite.accounts import audit
from searchsite.jobs import pausing


@transaction.atomic
def pause(stage: str, *, by: str, reason: str) -> None:
    """Hand out nothing more of a stage, in the whole house."""
    pausing.pause(stage, by=by, reason=reason)
    audit.note(audit.Action.STAGE_PAUSED, ("stage", stage))


@transaction.atomic
def resume(stage: str) -> None:
    """Let it go on."""
    pausing.resume(stage)
    audit.note(audit.Action.STAGE_RESUMED, ("stage", stage))

"""Stages that a person has paused: what runs is finished, nothing more of them is handed out until it is resumed."""

from __future__ import annotations

from django.db import transaction

from searchsite.jobs.models import StagePause
from searchsite.jobs.wake import wake_on_commit

REASON_CHARS = 300


def pause(kind: str, *, by: str = "", reason: str = "") -> None:
    """Hand out no more jobs of a kind. Pausing again only changes the reason."""
    said = " ".join(reason.replace("\0", "").split())[:REASON_CHARS]
    known, created = StagePause.objects.get_or_create(kind=kind, defaults={"by": by[:150], "reason": said})
    if not created and said:
        StagePause.objects.filter(kind=known.kind).update(by=by[:150], reason=said)


@transaction.atomic
def resume(kind: str) -> bool:
    """Hand them out again, and tell the workers at once. False: it was not paused."""
    removed, _ = StagePause.objects.filter(kind=kind).delete()
    # A queue is named after its kind.
    wake_on_commit([kind] if removed else [])
    return removed > 0


def paused() -> set[str]:
    """The kinds that are paused."""
    return set(StagePause.objects.values_list("kind", flat=True))


def pauses() -> dict[str, StagePause]:
    """Who paused which kind, when and why."""
    return {pause.kind: pause for pause in StagePause.objects.all()}

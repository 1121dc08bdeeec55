"""What the stages of an item, and the states that they are in, are called for people, wherever they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy

from searchsite.indexing import plan, stages

STAGES: Mapping[str, Any] = {
    plan.DECODE: gettext_lazy("Picture"),
    plan.READ: gettext_lazy("Text in it"),
    plan.CAPTION: gettext_lazy("Caption"),
    plan.EMBED: gettext_lazy("Meaning"),
}
STATES: Mapping[str, Any] = {
    stages.WAITING: gettext_lazy("waiting"),
    stages.RUNNING: gettext_lazy("running"),
    stages.DONE: gettext_lazy("done"),
    stages.FAILED: gettext_lazy("failed"),
    stages.CANCELLED: gettext_lazy("cancelled"),
    stages.NOT_CONFIGURED: gettext_lazy("not configured"),
    stages.NOT_NEEDED: gettext_lazy("not needed"),
    stages.NOT_ASKED: gettext_lazy("not asked for"),
}


def stage_name(kind: str) -> str:
    """A stage's name."""
    return str(STAGES.get(kind, kind))


def state_name(state: str) -> str:
    """A state's name."""
    return str(STATES.get(state, state))

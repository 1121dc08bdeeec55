"""What beat asks for: measure each team's judged questions once a day, and forget what has had its time."""

from __future__ import annotations

import time
from datetime import timedelta

from django.db.models import Exists, OuterRef
from django.utils import timezone

from searchsite.accounts.models import Team
from searchsite.quality import judging, runs
from searchsite.quality.models import EvaluationRun, Judgement, Origin

EVERY = timedelta(hours=20)
TEAM_SECONDS, ALL_SECONDS = 20.0, 60.0
RUNS_KEPT = timedelta(days=730)


def tend() -> None:
    """Measure where the last figures are of yesterday, as long as there is time; what is left comes an hour later."""
    judging.prune()
    EvaluationRun.objects.filter(created_at__lt=timezone.now() - RUNS_KEPT).delete()
    until = time.monotonic() + ALL_SECONDS
    for team in due():
        left = until - time.monotonic()
        if left <= 0:
            break
        runs.run(team, Origin.CLOCK, seconds=min(TEAM_SECONDS, left))


def due() -> list[Team]:
    """Teams with a judged question that were not measured of late."""
    good = Judgement.objects.filter(question__team=OuterRef("pk"), grade__gt=0)
    fresh = EvaluationRun.objects.filter(team=OuterRef("pk"), created_at__gt=timezone.now() - EVERY)
    return list(Team.objects.filter(Exists(good), ~Exists(fresh)).order_by("pk"))

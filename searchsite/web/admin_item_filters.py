"""Filters of items alone: how far they are, and whether they lie in the trash."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from searchsite.indexing import plan, stages, vocabulary
from searchsite.jobs.models import FAILED, Job
from searchsite.library import trash
from searchsite.library.models import Item
from searchsite.web.admin_filters import Choosing

SHOWN_STATES = {
    stages.PROCESSING: gettext_lazy("Processing"),
    stages.READY: gettext_lazy("Ready"),
    stages.FAILED: gettext_lazy("Failed"),
}


class StatusFilter(Choosing):
    """Where an item stands, and which stage failed."""

    title, parameter_name = gettext_lazy("status"), "status"

    def all_choices(self, request: HttpRequest) -> list[tuple[str, str]]:
        """The three states an item shows, and its stages."""
        failed = _("Failed: %(stage)s")
        return [
            *((name, str(shown)) for name, shown in SHOWN_STATES.items()),
            *((kind, failed % {"stage": vocabulary.stage_name(kind)}) for kind in plan.BATCH),
        ]

    def narrowed(self, rows: QuerySet[Item], chosen: str, request: HttpRequest) -> QuerySet[Item]:
        """Ask the job table. Failures are few: they are found from there, the others from the items."""
        failed = Job.objects.filter(FAILED).values("subject")
        if chosen in plan.BATCH:
            rows = rows.filter(pk__in=failed.filter(kind=chosen))
        elif chosen == stages.FAILED:
            rows = rows.filter(pk__in=failed)
        return stages.having(rows, stages.FAILED if chosen in plan.BATCH else chosen)


class TrashFilter(Choosing):
    """The library, or its trash."""

    title, parameter_name = gettext_lazy("place"), "trash"

    def all_choices(self, request: HttpRequest) -> list[tuple[str, str]]:
        """All that lies there, or what goes soon."""
        return [("1", _("In the trash")), ("7", _("Deleted within a week"))]

    def queryset(self, request: HttpRequest, rows: QuerySet[Item]) -> QuerySet[Item]:
        """Nothing from the trash unless it was asked for."""
        return super().queryset(request, rows) if self.value() else rows.filter(trashed_at=None)

    def narrowed(self, rows: QuerySet[Item], chosen: str, request: HttpRequest) -> QuerySet[Item]:
        """What lies in the trash."""
        rows = rows.filter(trashed_at__isnull=False)
        if chosen == "1":
            return rows
        return rows.filter(trashed_at__lt=timezone.now() - trash.KEPT + timedelta(days=int(chosen)))

    def choices(self, changelist: Any) -> Any:
        """The library is what is shown first, so it is not called “all”."""
        first, *others = super().choices(changelist)
        return [first | {"display": _("Library")}, *others]

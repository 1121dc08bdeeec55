"""The admin of the work: jobs, spaces."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from searchsite.accounts import audit
from searchsite.indexing import vocabulary
from searchsite.indexing.models import Space
from searchsite.jobs import care
from searchsite.jobs.models import FAILED, Job, State
from searchsite.library.numbers import grouped
from searchsite.web.admin_columns import column, yes_or_no
from searchsite.web.admin_filters import Choosing, OfTeam, one_of
from searchsite.web.admin_scope import ReadOnly, membership_in

# So many are tried again or cancelled at once; the queue's page does it by the stage.
MOST = 10_000


class StateFilter(Choosing):
    """Where jobs stand. What has failed is found by its own small index."""

    title, parameter_name = gettext_lazy("state"), "state"

    def all_choices(self, request: HttpRequest) -> list[tuple[str, str]]:
        """All states."""
        return [(value, str(label)) for value, label in State.choices]

    def narrowed(self, rows: QuerySet[Job], chosen: str, request: HttpRequest) -> QuerySet[Job]:
        """Of this state."""
        rows = rows.filter(state=chosen)
        return rows.filter(FAILED) if chosen in (State.DEAD, State.CANCELLED) else rows


STAGE = column("kind", gettext_lazy("stage"), vocabulary.stage_name)


@admin.register(Job)
class JobAdmin(ReadOnly):
    """Jobs to look at, try again and cancel; never to edit."""

    list_display = ("id", STAGE, "state", "subject", "attempts", "lane", "run_at", "finished_at", "last_error")
    list_filter = (StateFilter, one_of("kind", gettext_lazy("stage"), list(vocabulary.STAGES.items())), "lane", OfTeam)
    ordering = ("-id",)
    sortable_by = ("id",)
    search_fields = ("=subject",)
    search_help_text = gettext_lazy("Number of the item")
    actions = ("retry", "cancel")
    # A stage and its queue are called alike.
    exclude = ("kind", "queue")
    readonly_fields = (STAGE,)

    def seen_by(self, request: HttpRequest, rows: QuerySet[Job]) -> QuerySet[Job]:
        """Jobs of the team."""
        membership = membership_in(request)
        return rows.filter(team_id=membership.team_id) if membership else rows.none()

    def has_act_permission(self, request: HttpRequest) -> bool:
        """Editors may act on jobs."""
        membership = membership_in(request)
        return request.user.is_superuser or bool(membership and membership.may_edit)

    @admin.action(description=gettext_lazy("Try again"), permissions=["act"])
    def retry(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        """Make failed and cancelled jobs ready again."""
        ids = list(jobs.order_by().values_list("id", flat=True)[:MOST])
        audit.note(audit.Action.WORK_ASKED, ("job", ids[0] if len(ids) == 1 else ""), asked="retry", jobs=len(ids))
        said = _("%(done)s of %(asked)s jobs will be tried again.")
        messages.info(request, said % {"done": grouped(care.retry(ids)), "asked": grouped(len(ids))})

    @admin.action(description=gettext_lazy("Cancel"), permissions=["act"])
    def cancel(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        """Cancel what is not done yet."""
        ids = list(jobs.order_by().values_list("id", flat=True)[:MOST])
        audit.note(audit.Action.WORK_CANCELLED, ("job", ids[0] if len(ids) == 1 else ""), asked="cancel", jobs=len(ids))
        said = _("%(done)s of %(asked)s jobs were cancelled.")
        messages.info(request, said % {"done": grouped(care.cancel(ids)), "asked": grouped(len(ids))})


TAKES_PICTURES = yes_or_no("takes_pictures", gettext_lazy("takes pictures"))


@admin.register(Space)
class SpaceAdmin(ReadOnly):
    """Spaces to look at: the indexing room alone makes and changes them."""

    list_display = ("embedder", "revision", "dimensions", "status", TAKES_PICTURES, "created_at")
    # Numbers for programs, and what is written in words below.
    exclude = ("means", "fingerprint", "calibration", "graphs", "recall", "takes_pictures", "mrl")
    readonly_fields = (TAKES_PICTURES, yes_or_no("mrl", gettext_lazy("prefixes are vectors")))

    def seen_by(self, request: HttpRequest, rows: QuerySet[Space]) -> QuerySet[Space]:
        """Spaces belong to no team."""
        return rows

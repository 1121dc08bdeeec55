"""The admin of the work: jobs, spaces."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from searchsite.indexing.models import Space
from searchsite.jobs import care
from searchsite.jobs.models import Job
from searchsite.web.admin_scope import ReadOnly, membership_in


@admin.register(Job)
class JobAdmin(ReadOnly):
    """Jobs to look at, try again and cancel; never to edit."""

    list_display = ("id", "kind", "state", "subject", "attempts", "lane", "run_at", "finished_at", "last_error")
    list_filter = ("state", "kind", "queue", "lane")
    ordering = ("-id",)
    search_fields = ("=subject",)
    search_help_text = "Number of the item"
    actions = ("retry", "cancel")

    def seen_by(self, request: HttpRequest, rows: QuerySet[Job]) -> QuerySet[Job]:
        """Jobs of the team."""
        membership = membership_in(request)
        return rows.filter(team_id=membership.team_id) if membership else rows.none()

    def has_act_permission(self, request: HttpRequest) -> bool:
        """Editors may act on jobs."""
        membership = membership_in(request)
        return request.user.is_superuser or bool(membership and membership.may_edit)

    @admin.action(description="Try again", permissions=["act"])
    def retry(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        """Make failed and cancelled jobs ready again."""
        asked, done = jobs.count(), care.retry(jobs.values_list("id", flat=True))
        messages.info(request, f"{done} of {asked} jobs will be tried again.")

    @admin.action(description="Cancel", permissions=["act"])
    def cancel(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        """Cancel what is not done yet."""
        asked, done = jobs.count(), care.cancel(jobs.values_list("id", flat=True))
        messages.info(request, f"{done} of {asked} jobs were cancelled.")


@admin.register(Space)
class SpaceAdmin(ReadOnly):
    """Spaces to look at: the indexing room alone makes and changes them."""

    list_display = ("embedder", "revision", "dimensions", "status", "takes_pictures", "created_at")
    exclude = ("means",)

    def seen_by(self, request: HttpRequest, rows: QuerySet[Space]) -> QuerySet[Space]:
        """Spaces belong to no team."""
        return rows

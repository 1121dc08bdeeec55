"""The job table: outbox, queue and lease in one. It knows nobody: a subject is a number, its handler knows of what."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce, Now
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _


class State(models.TextChoices):
    """Where a job stands."""

    READY = "ready", _("Waiting")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    DEAD = "dead", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


class Lane(models.IntegerChoices):
    """Who is served first within a queue."""

    WAITING = 1, _("A person waits")
    NORMAL = 5, _("Normal")
    BULK = 9, _("Bulk")


WAITED_FOR = 20
"""So many things at once a person looks out for."""
OPEN = Q(state__in=[State.READY, State.RUNNING])
# Ended without its result; a person may try it again.
FAILED = Q(state__in=[State.DEAD, State.CANCELLED])


class Job(models.Model):
    """One piece of later work. Written in the transaction of the change that needs it."""

    kind = models.CharField(_("stage"), max_length=20)
    queue = models.CharField(_("queue"), max_length=20)
    lane = models.SmallIntegerField(_("lane"), choices=Lane.choices, default=Lane.NORMAL)
    team_id = models.BigIntegerField(_("team"))
    subject = models.BigIntegerField(_("item"))
    space_id = models.BigIntegerField(_("space"), null=True, blank=True)
    input_hash = models.BinaryField(default=b"")
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.READY)
    run_at = models.DateTimeField(_("run at"), db_default=Now())
    lease_until = models.DateTimeField(_("lease until"), null=True, blank=True)
    token = models.BigIntegerField(_("token of its worker"), default=0)
    attempts = models.IntegerField(_("attempts"), default=0)
    deaths = models.IntegerField(_("attempts that ended with their worker"), default=0, db_default=0)
    refusals = models.SmallIntegerField(_("times refused while others were taken"), default=0, db_default=0)
    refused_at = models.DateTimeField(_("last refused at"), null=True, blank=True)
    last_error = models.TextField(_("last error"), default="", blank=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now())
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    class Meta:
        db_table = "job"
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "subject", "space_id", "input_hash"],
                condition=OPEN,
                nulls_distinct=False,
                name="job_open_once",
            ),
        ]
        indexes = [
            # In the order of lines: from each the next claims take a share, see statements.CLAIM_READY.
            models.Index(
                "queue",
                "lane",
                "team_id",
                Coalesce("space_id", 0),
                "run_at",
                "id",
                condition=Q(state="ready"),
                name="job_lines",
            ),
            models.Index(fields=["queue", "lease_until"], condition=Q(state="running"), name="job_leased"),
            models.Index(fields=["subject", "kind", "id"], name="job_subject"),
            models.Index(fields=["team_id", "kind", "state"], name="job_team"),
            # These serve the operators: what waits and since when, and why; the pace of late; the newest failures.
            models.Index(
                fields=["kind", "team_id", "lane", "created_at"], condition=Q(state="ready"), name="job_waiting"
            ),
            models.Index(fields=["kind"], condition=Q(state="ready") & ~Q(last_error=""), name="job_held"),
            models.Index(fields=["finished_at", "kind"], condition=Q(state="done"), name="job_done"),
            models.Index(fields=["finished_at"], condition=FAILED, name="job_failed"),
        ]

    def __str__(self) -> str:
        return gettext("Job %(number)s: %(state)s") % {"number": self.pk, "state": self.get_state_display()}


class StagePause(models.Model):
    """A kind of job that a person has paused. It outlives restarts; no row: the kind is worked on."""

    kind = models.CharField(max_length=20, primary_key=True)
    by = models.CharField(max_length=150, blank=True, help_text="Who paused it")
    reason = models.CharField(max_length=300, blank=True)
    since = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "stage_pause"
        verbose_name = _("pause of a stage")
        verbose_name_plural = _("pauses of stages")

    def __str__(self) -> str:
        return f"{self.kind}: {self.reason}"

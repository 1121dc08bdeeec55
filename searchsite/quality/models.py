"""Questions with what people said of their answers, and what search scored on them over time."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from searchsite.accounts.models import Team
from searchsite.library.models import Item

HIGHEST = 3


class Source(models.TextChoices):
    """Where a judgement comes from."""

    MARK = "mark", _("Mark")
    CLICK = "click", _("Opened")


class Origin(models.TextChoices):
    """Who had search measured."""

    CLOCK = "clock", _("By itself")
    PERSON = "person", _("A person")
    COMMAND = "command", _("The command")


class StoredQuestion(models.Model):
    """What somebody was looking for: terms and filters as an address has them, without order, mode and reranker.

    The same question of two people is two rows; `digest` is that of the address and tells that they are the same.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    address = models.TextField()
    digest = models.CharField(max_length=64)
    saved_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "stored_question"
        verbose_name = _("stored question")
        verbose_name_plural = _("stored questions")
        constraints = [models.UniqueConstraint(fields=["team", "digest", "asked_by"], name="stored_question_once")]

    def __str__(self) -> str:
        # Lists of what goes with a person are read by others, who need not know what was asked.
        return str(self.public_id)


class Judgement(models.Model):
    """How well an item answers a question, as who asked it says by a mark, or seems to say by opening it.

    grade: 0 not at all, to HIGHEST. place: where it stood among the hits, from 1.
    """

    question = models.ForeignKey(StoredQuestion, on_delete=models.CASCADE, related_name="judgements")
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="+")
    source = models.CharField(max_length=5, choices=Source.choices)
    grade = models.SmallIntegerField()
    place = models.IntegerField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "judgement"
        verbose_name = _("judgement")
        verbose_name_plural = _("judgements")
        constraints = [
            models.UniqueConstraint(fields=["question", "item", "source"], name="judgement_once"),
            models.CheckConstraint(condition=Q(grade__gte=0, grade__lte=HIGHEST), name="judgement_grade"),
        ]
        indexes = [models.Index(fields=["source", "created_at"], name="judgement_age")]

    def __str__(self) -> str:
        return f"{self.grade} for item {self.item_id}"


class EvaluationRun(models.Model):
    """What search scored on a team's judged questions at one moment, and how it was set up then.

    fingerprint: of the configuration. figures: by the names of `scoring.METRICS`. each: nDCG@10 by a question's id.
    """

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    origin = models.CharField(max_length=7, choices=Origin.choices)
    fingerprint = models.CharField(max_length=16)
    configuration = models.JSONField(default=dict)
    figures = models.JSONField(default=dict)
    each = models.JSONField(default=dict)
    asked = models.IntegerField(default=0)
    by_marks = models.IntegerField(default=0)
    left_out = models.IntegerField(default=0)
    seconds = models.FloatField(default=0.0)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "evaluation_run"
        verbose_name = _("evaluation run")
        verbose_name_plural = _("evaluation runs")
        indexes = [models.Index(fields=["team", "-created_at"], name="evaluation_run_newest")]

    def __str__(self) -> str:
        return f"{self.fingerprint}: {self.asked}"

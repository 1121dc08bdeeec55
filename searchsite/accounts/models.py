"""Who: users, teams, memberships and tokens, and what they used."""

from __future__ import annotations

import uuid

from django.contrib.auth.models import AbstractUser
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models.functions import Lower, Now
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    """What a member may do; each role includes the ones before it."""

    VIEWER = "viewer", _("Viewer")
    EDITOR = "editor", _("Editor")
    ADMIN = "admin", _("Admin")


class User(AbstractUser):
    """A person who signs in."""

    class Meta:
        db_table = "user_account"
        verbose_name = _("user")
        verbose_name_plural = _("users")


class Team(models.Model):
    """People who share collections. Pages, API and search work within one team."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=100)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    budget_month = models.DecimalField(
        _("budget"),
        max_digits=12,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text=_(
            "US dollars a calendar month (UTC) for networks of paid servers. Empty: the setting"
            " TEAM_BUDGET_MONTH. 0: such networks are never called."
        ),
    )

    class Meta:
        db_table = "team"
        verbose_name = _("team")
        verbose_name_plural = _("teams")
        constraints = [models.UniqueConstraint(Lower("name"), name="team_name_once")]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """One person's role in one team."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships", verbose_name=_("team"))
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships", verbose_name=_("user"))
    role = models.CharField(_("role"), max_length=10, choices=Role.choices, default=Role.VIEWER)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        db_table = "membership"
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [models.UniqueConstraint(fields=["team", "user"], name="membership_once")]

    def __str__(self) -> str:
        named = {"user": self.user, "team": self.team, "role": self.get_role_display()}
        return gettext("%(user)s in %(team)s (%(role)s)") % named

    @property
    def may_edit(self) -> bool:
        """True for editors and admins."""
        return self.role in (Role.EDITOR, Role.ADMIN)


class Token(models.Model):
    """A bearer token of one person in one team; only its SHA-256 is kept."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="tokens", verbose_name=_("team"))
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens", verbose_name=_("user"))
    name = models.CharField(_("name"), max_length=100)
    prefix = models.CharField(_("prefix"), max_length=12, editable=False)
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    scopes = models.CharField(_("scopes"), max_length=100, default="read", help_text=_("read, write; comma separated"))
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used at"), null=True, blank=True, editable=False)

    class Meta:
        db_table = "token"
        verbose_name = _("token")
        verbose_name_plural = _("tokens")

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}...)"

    @property
    def scope_names(self) -> frozenset[str]:
        """The granted scopes as a set."""
        return frozenset(name.strip() for name in self.scopes.split(",") if name.strip())


class Outcome(models.TextChoices):
    """What came of a call that was paid for."""

    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")


class Usage(models.Model):
    """What inference was asked for, summed by day, operation, network, server and team.

    cost: the sum of what is known; unpriced: how many of the inputs have no known price.
    """

    day = models.DateField(_("day"))
    # What was spent stays when the team is gone.
    team = models.ForeignKey(
        Team, on_delete=models.DO_NOTHING, db_constraint=False, null=True, blank=True, verbose_name=_("team")
    )
    operation = models.CharField(_("operation"), max_length=20)
    embedder = models.CharField(_("network"), max_length=200)
    provider = models.CharField(_("provider"), max_length=200, default="", blank=True)
    calls = models.BigIntegerField(_("calls"), default=0)
    inputs = models.BigIntegerField(_("inputs"), default=0)
    tokens = models.BigIntegerField(_("tokens"), default=0)
    output_tokens = models.BigIntegerField(_("output tokens"), default=0)
    # A question of ten tokens costs 0.0000001.
    cost = models.DecimalField(_("cost"), max_digits=20, decimal_places=10, null=True, blank=True)
    unpriced = models.BigIntegerField(_("unpriced"), default=0)
    seconds = models.FloatField(_("seconds"), default=0)

    class Meta:
        db_table = "usage"
        verbose_name = _("usage")
        verbose_name_plural = _("usage")
        constraints = [
            models.UniqueConstraint(
                fields=["day", "operation", "embedder", "provider", "team"], nulls_distinct=False, name="usage_once"
            )
        ]
        indexes = [models.Index(fields=["team", "day"], name="usage_of_team")]

    def __str__(self) -> str:
        return f"{date_format(self.day)}: {self.embedder}"


class ProviderCall(models.Model):
    """One call to a paid server, or a team's share of it. Kept for LEDGER_DAYS."""

    at = models.DateTimeField(_("at"), db_default=Now())
    # What was spent stays when the team is gone.
    team = models.ForeignKey(
        Team, on_delete=models.DO_NOTHING, db_constraint=False, null=True, blank=True, verbose_name=_("team")
    )
    operation = models.CharField(_("operation"), max_length=20)
    network = models.CharField(_("network"), max_length=200)
    provider = models.CharField(_("provider"), max_length=200)
    calls = models.BigIntegerField(_("calls"), default=0)
    inputs = models.BigIntegerField(_("inputs"), default=0)
    tokens = models.BigIntegerField(_("tokens"), default=0)
    output_tokens = models.BigIntegerField(_("output tokens"), default=0)
    # A question of ten tokens costs 0.0000001.
    cost = models.DecimalField(_("cost"), max_digits=20, decimal_places=10, null=True, blank=True)
    seconds = models.FloatField(_("seconds"), default=0)
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome.choices, default=Outcome.DONE)

    class Meta:
        db_table = "provider_call"
        verbose_name = _("call to a provider")
        verbose_name_plural = _("calls to providers")
        indexes = [models.Index(fields=["at"], name="provider_call_at")]

    def __str__(self) -> str:
        return f"{date_format(localtime(self.at), 'DATETIME_FORMAT')}: {self.network}"

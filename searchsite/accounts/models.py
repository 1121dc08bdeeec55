"""Who: users, teams, memberships and tokens, and what they used."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.core.validators import MinValueValidator
from django.db import models, transaction
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

    def save(self, *args: Any, **kwargs: Any) -> None:
        """A new password and what follows from it are one change."""
        with transaction.atomic(savepoint=False):
            super().save(*args, **kwargs)


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


class Action(models.TextChoices):
    """What somebody did that is written into the audit log."""

    SIGNED_IN = "signed-in", _("Signed in")
    SIGN_IN_FAILED = "sign-in-failed", _("Sign-in failed")
    LOCKED_OUT = "locked-out", _("Locked out")
    SIGNED_OUT = "signed-out", _("Signed out")
    PASSWORD_CHANGED = "password-changed", _("Password changed")
    USER_MADE = "user-made", _("User made")
    USER_CHANGED = "user-changed", _("User changed")
    USER_OFF = "user-off", _("User switched off")
    USER_ON = "user-on", _("User switched on")
    USER_DELETED = "user-deleted", _("User deleted")
    TEAM_MADE = "team-made", _("Team made")
    TEAM_CHANGED = "team-changed", _("Team changed")
    TEAM_DELETED = "team-deleted", _("Team deleted")
    MEMBER_ADDED = "member-added", _("Member added")
    ROLE_CHANGED = "role-changed", _("Role changed")
    MEMBER_REMOVED = "member-removed", _("Member removed")
    VISIBILITY_SET = "visibility-set", _("Visibility set")
    GRANT_GIVEN = "grant-given", _("Grant given")
    GRANT_TAKEN = "grant-taken", _("Grant taken back")
    COLLECTION_DELETED = "collection-deleted", _("Collection deleted")
    TOKEN_MADE = "token-made", _("Token made")
    TOKEN_REVOKED = "token-revoked", _("Token taken back")
    TOKEN_USED = "token-used", _("Token used")
    DENIED = "denied", _("Permission denied")
    EXPORTED = "exported", _("Exported")
    DELETED_FOR_GOOD = "deleted-for-good", _("Deleted for good")
    STAGE_PAUSED = "stage-paused", _("Stage paused")
    STAGE_RESUMED = "stage-resumed", _("Stage resumed")
    WORK_ASKED = "work-asked", _("Work asked for")
    WORK_CANCELLED = "work-cancelled", _("Work cancelled")
    SPACE_BUILT = "space-built", _("Space begun")
    SPACE_ACTIVATED = "space-activated", _("Space activated")
    SPACE_CANCELLED = "space-cancelled", _("Space cancelled")
    SPACE_DROPPED = "space-dropped", _("Space dropped")


class AuditEntry(models.Model):
    """One line of the audit log. Postgres itself refuses to change or delete it; `audit` alone writes it."""

    at = models.DateTimeField(_("at"), db_default=Now())
    # Numbers and a name as they were then: what somebody did stays when they are gone.
    actor_id = models.BigIntegerField(_("person"), null=True)
    actor_name = models.CharField(_("person"), max_length=150, default="", blank=True)
    team = models.ForeignKey(
        Team, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, null=True, verbose_name=_("team")
    )
    action = models.CharField(_("action"), max_length=30, choices=Action.choices)
    kind = models.CharField(_("kind of thing"), max_length=30, default="", blank=True)
    thing = models.CharField(_("which one"), max_length=64, default="", blank=True)
    address = models.CharField(_("address"), max_length=45, default="", blank=True)
    request_id = models.CharField(_("request"), max_length=64, default="", blank=True)
    detail = models.JSONField(_("detail"), default=dict, blank=True)

    class Meta:
        db_table = "audit_entry"
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit log")
        indexes = [
            models.Index(fields=["at"], name="audit_at"),
            models.Index(fields=["team", "id"], name="audit_of_team"),
            models.Index(fields=["actor_id", "id"], name="audit_of_person"),
            models.Index(fields=["action", "thing", "id"], name="audit_of_thing"),
            models.Index(fields=["request_id"], name="audit_of_request"),
        ]

    def __str__(self) -> str:
        return f"{date_format(localtime(self.at), 'DATETIME_FORMAT')}: {self.get_action_display()}"

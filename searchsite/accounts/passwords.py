"""What follows a new password."""

from __future__ import annotations

from django.utils.translation import gettext as _

from searchsite.accounts import audit, tokens
from searchsite.accounts.models import Action, User


class Consequences:
    """Django tells its password validators of each new password, and of nothing else: this one refuses none.

    All other sessions of the person end by Django's own doing; here their tokens do, and the audit log has its line.
    """

    def validate(self, password: str, user: User | None = None) -> None:
        """Any is fine."""

    def password_changed(self, password: str, user: User | None = None) -> None:
        """Take back what was opened with the old one."""
        if user is not None:
            tokens.revoke_all(user)
            audit.note(Action.PASSWORD_CHANGED, user)

    def get_help_text(self) -> str:
        """What whoever chooses one should know."""
        return _("A new password ends the person’s other sessions and takes back their tokens.")

"""What happens once in the life of a house: its first user."""

from __future__ import annotations

from django.db import transaction

from searchsite.accounts import teams
from searchsite.accounts.models import User
from searchsite.config import Config

NAME = "admin"
TEAM = "home"


def is_first(config: Config) -> bool:
    """Whether this start is the first, or follows a first one that ended before it showed the password."""
    marker = config.data_dir / "first-run"
    if not marker.exists() and User.objects.exists():
        return False
    marker.touch()
    return True


def is_over(config: Config) -> None:
    """The first user's password is known to somebody: no later start gives another."""
    (config.data_dir / "first-run").unlink(missing_ok=True)


@transaction.atomic
def ensure_first_user(password: str) -> User:
    """Make the superuser `admin` in team `home`, or give the one that is there this password."""
    user = User.objects.filter(username=NAME).first()
    if user is None:
        user = User.objects.create_superuser(NAME, password=password)
        teams.create_team(TEAM, owner=user)
    else:
        user.set_password(password)
        user.save(update_fields=["password"])
    return user

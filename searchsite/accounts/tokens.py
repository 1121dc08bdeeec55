"""Bearer tokens: made once, kept only as a digest, checked in constant work."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from searchsite.accounts import audit
from searchsite.accounts.models import Action, Membership, Team, Token, User

SCOPES = frozenset({"read", "write"})
# A write per request would cost more than the request; minutes are exact enough to spot an unused token.
SEEN_EVERY = timedelta(minutes=5)


@transaction.atomic
def create_token(
    user: User, team: Team, *, name: str, scopes: frozenset[str], expires_at: datetime | None = None
) -> tuple[Token, str]:
    """Make a token and return it with its secret, which is not kept and cannot be shown again.

    Raises ValueError for an unknown scope.
    """
    unknown = scopes - SCOPES
    if unknown or not scopes:
        raise ValueError(f"Unknown scopes: {', '.join(sorted(unknown)) or 'none given'}. Known: read, write.")
    secret = f"ss_{secrets.token_urlsafe(32)}"
    token = Token.objects.create(
        user=user,
        team=team,
        name=name,
        prefix=secret[:8],
        digest=_digest(secret),
        scopes=",".join(sorted(scopes)),
        expires_at=expires_at,
    )
    audit.note(Action.TOKEN_MADE, token, user=user.pk, scopes=token.scopes)
    return token, secret


@transaction.atomic
def revoke(held: QuerySet[Token]) -> None:
    """Take tokens back: they open nothing from now on."""
    for token in held.select_for_update():
        audit.note(Action.TOKEN_REVOKED, token, user=token.user_id)
        token.delete()


def revoke_all(user: User) -> None:
    """Take back every token of a person."""
    revoke(Token.objects.filter(user=user))


def check_token(secret: str) -> Token | None:
    """Return the live token with this secret: not expired, its user active and still in its team."""
    known = _live().select_related("user", "team").annotate(now=Now())
    token = known.filter(digest=_digest(secret)).first()
    if token is None:
        return None
    if token.last_used_at is None or token.now - token.last_used_at > SEEN_EVERY:
        Token.objects.filter(pk=token.pk).update(last_used_at=token.now)
    audit.acts(token.user, token.team_id)
    audit.note_once(Action.TOKEN_USED, token, seconds=audit.HOUR, by=token.user)
    return token


def is_live(pk: int) -> bool:
    """Whether a token that was live a moment ago still is."""
    return _live().filter(pk=pk).exists()


def _live() -> QuerySet[Token]:
    member = Exists(Membership.objects.filter(user=OuterRef("user"), team=OuterRef("team")))
    unexpired = Q(expires_at=None) | Q(expires_at__gt=Now())
    return Token.objects.filter(unexpired, member, user__is_active=True)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()

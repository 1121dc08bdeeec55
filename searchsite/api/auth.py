"""Who calls, with which rights, and whether the call is worth reading: all before the body is read."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest
from ninja.security import HttpBearer

from searchsite.accounts import rates, tokens, turns
from searchsite.accounts.models import Membership, Role, Team, Token, User
from searchsite.accounts.rates import Claim, Rule
from searchsite.api.problems import Problem
from searchsite.library.scope import Scope, scope_for

JSON = "application/json"
MULTIPART = "multipart/form-data"
# Boundaries and the other fields of a form that carries one file.
FORM_ROOM = 1 << 20


@dataclass(frozen=True)
class Caller:
    """The person behind a token, within the token's one team."""

    user: User
    team: Team
    scope: Scope
    token_id: int

    def let_in(self) -> bool:
        """Whether the token still lets the person in."""
        return tokens.is_live(self.token_id)

    @property
    def may_edit(self) -> bool:
        """Whether the person edits in the team."""
        membership = Membership.objects.filter(user=self.user, team=self.team).first()
        return membership is not None and membership.may_edit

    @property
    def administers(self) -> bool:
        """Whether the person is an admin of the team, or of everything."""
        admins = Membership.objects.filter(user=self.user, team=self.team, role=Role.ADMIN)
        return self.user.is_superuser or admins.exists()


class Request(HttpRequest):
    """A request that a BearerToken let in."""

    auth: Caller


class BearerToken(HttpBearer):
    """Lets a live token in if it has the scope, and if the body has a type and a length that we take."""

    def __init__(self, needs: str, *, takes: tuple[str, ...] = (), counts: Rule | None = None) -> None:
        self.needs, self.takes, self.counts = needs, takes, counts
        super().__init__()

    def authenticate(self, request: HttpRequest, token: str) -> Caller | None:
        """Return the caller; None means 401. A problem is raised for what a valid token may not do or send."""
        held = tokens.check_token(token.strip())
        if held is None:
            # Counted as a visit of its address, since it is nobody's.
            return None
        self._count(request, held)
        if self.needs not in held.scope_names:
            raise Problem(403, f"This token lacks the scope “{self.needs}”.", code="scope-missing")
        self._look_at_body(request)
        return Caller(held.user, held.team, scope_for(held.user, held.team), held.pk)

    def _count(self, request: HttpRequest, held: Token) -> None:
        """Count the call for its token, and for its team where a team has a limit. Raises TooOften and TooMany."""
        who = f"token:{held.pk}"
        request.counted = True  # type: ignore[attr-defined]
        claims: list[Claim] = [(rates.REQUESTS, who)]
        if self.counts is not None:
            claims.append((self.counts, who))
        if self.counts is rates.UPLOADS:
            claims.append((rates.TEAM_UPLOADS, f"team:{held.team_id}"))
        rates.spend(*claims)
        if self.counts is rates.SEARCHES:
            # Freed by the middleware, with the request.
            request.turn = turns.take(who, most=settings.CONFIG.searches_at_once)  # type: ignore[attr-defined]

    def _look_at_body(self, request: HttpRequest) -> None:
        if self.takes and request.content_type not in self.takes:
            raise Problem(415, f"Send {' or '.join(self.takes)}.")
        length = str(request.META.get("CONTENT_LENGTH") or "0")
        if not length.isdigit():
            raise Problem(400, "The Content-Length header is not a number.")
        if int(length) > self._most(request):
            raise Problem(413)

    def _most(self, request: HttpRequest) -> int:
        if request.content_type == MULTIPART:
            return settings.CONFIG.max_file_bytes + FORM_ROOM
        return settings.DATA_UPLOAD_MAX_MEMORY_SIZE or FORM_ROOM


READ = BearerToken("read")
LOOK = BearerToken("read", counts=rates.SEARCHES)
SEARCH = BearerToken("read", takes=(JSON,), counts=rates.SEARCHES)
ASK = BearerToken("read", takes=(JSON,), counts=rates.QUESTIONS)
SHOW = BearerToken("read", takes=(MULTIPART,), counts=rates.PICTURES)
DELETE = BearerToken("write")
CHANGE = BearerToken("write", takes=(JSON,))
ADD = BearerToken("write", takes=(JSON, MULTIPART), counts=rates.UPLOADS)

"""Answers who asks for a file that their browser has already: each picture of each page does, so it is made cheap."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.crypto import constant_time_compare
from django.utils.http import parse_etags

from searchsite.accounts.models import User
from searchsite.library.scope import FIXED, GATE

# A lost right shows at once: a browser keeps the file, and asks each time whether it may still show it.
CACHED, VARY = "private, no-cache", "Cookie, Authorization"
# The team is the one that `accounts.teams.chosen_of` names.
SEEN = f"""
WITH here AS (
    SELECT team_id FROM membership WHERE user_id = %(user)s
    ORDER BY (team_id = %(chosen)s) DESC NULLS LAST, id LIMIT 1
)
SELECT user_account.password, blob.sha256
FROM item
JOIN blob ON blob.id = item.blob_id
JOIN ({GATE.replace("%(team)s", "(SELECT team_id FROM here)")}) AS may (id, edit) ON may.id = item.collection_id
JOIN user_account ON user_account.id = %(user)s
WHERE item.public_id = %(item)s
"""
View = Callable[..., HttpResponseBase]


def etag_of(sha256: str, size: int | None = None) -> str:
    """What names the bytes of an original, or of its derivative of this size."""
    return f'"{sha256[:32]}"' if size is None else f'"{sha256[:32]}-{size}"'


def sparing(view: View) -> View:
    """Answer 304 without the view where that is certain: one statement beside that of the session."""

    @wraps(view)
    def door(request: HttpRequest, public_id: UUID, size: int | None = None, **more: Any) -> HttpResponseBase:
        known = parse_etags(request.headers.get("If-None-Match", ""))
        if known and request.method in ("GET", "HEAD") and "Authorization" not in request.headers:
            sha256 = _seen(request, public_id)
            etag = etag_of(sha256, size) if sha256 else None
            if etag in known:
                headers = {"ETag": etag, "Cache-Control": CACHED, "Vary": VARY}
                return HttpResponse(status=304, headers=headers)
        return view(request, public_id=public_id, **({} if size is None else {"size": size}), **more)

    return door


def _seen(request: HttpRequest, public_id: UUID) -> str | None:
    """The SHA-256 of an item's file, for whoever is signed in and may see it; None where that takes a closer look."""
    session = request.session
    user, team = str(session.get(SESSION_KEY, "")), session.get("team")
    if not user.isdecimal():
        return None
    asked: dict[str, Any] = {"user": int(user), "chosen": team if type(team) is int else None, "item": public_id}
    with connection.cursor() as cursor:
        cursor.execute(SEEN, FIXED | asked)
        found = cursor.fetchone()
    if found is None:
        return None
    # As Django does: a session does not outlive the password that it was begun with.
    hashed = User(password=found[0]).get_session_auth_hash()
    return str(found[1]) if constant_time_compare(session.get(HASH_SESSION_KEY, ""), hashed) else None

"""Pictures to search by: decoded at once, kept as a small derivative for 30 days, never as they came."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path
from typing import IO
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from searchsite.config import Config
from searchsite.library import blobs, files, sniffing, volumes
from searchsite.library.decoder import client
from searchsite.library.decoder.protocol import DecoderGone, Policy, Undecodable
from searchsite.library.models import QueryPicture
from searchsite.library.refusals import Refusal
from searchsite.library.scope import Scope

KEPT = timedelta(days=30)
SIDE = 1024
AT_ONCE = 1000


def add_query_picture(file: IO[bytes], *, scope: Scope) -> QueryPicture:
    """Decode a picture and keep it for its owner. Raises Refusal; then nothing is left of it."""
    config: Config = settings.CONFIG
    volumes.require_room()
    with files.received(file, limit=config.max_file_bytes) as upload:
        _looked_at(upload.path, config)
        try:
            decoded = client.decode(upload.path, Policy(config.max_pixels, sniffing.MAX_SIDE, (SIDE,)))
        except Undecodable as error:
            raise Refusal(str(error), code="undecodable") from error
        except DecoderGone as error:
            message = _("The server is too busy to look at pictures. Try again in a moment.")
            raise Refusal(message, code="busy", status=503) from error
    with (
        files.received(io.BytesIO(decoded.derivatives[SIDE]), limit=config.max_file_bytes) as small,
        transaction.atomic(),
    ):
        blob, _new = blobs.keep(scope.team_id, small, media_type=files.DERIVATIVE_TYPE)
        picture, _new = QueryPicture.objects.update_or_create(
            owner_id=scope.user_id, team_id=scope.team_id, blob=blob, defaults={"expires_at": Now() + KEPT}
        )
    return picture


def _looked_at(path: Path, config: Config) -> None:
    """Refuse what is no picture, whatever its name was."""
    try:
        sniffing.look(path, "picture.jpg", config=config)
    except Refusal as refusal:
        if refusal.code != "not-a-picture":
            raise
        raise Refusal(_("This file is no picture that can be read here."), code=refusal.code) from refusal


def find(public_id: UUID, scope: Scope) -> QueryPicture | None:
    """Return one's own query picture that is still kept."""
    mine = QueryPicture.objects.select_related("blob").filter(owner_id=scope.user_id, team_id=scope.team_id)
    return mine.filter(public_id=public_id, expires_at__gt=Now()).first()


def read(picture: QueryPicture) -> bytes:
    """The picture as WebP, at most 1024 pixels long. Raises FileNotFoundError when it was swept meanwhile."""
    return files.original_path(picture.blob).read_bytes()


def purge_expired() -> int:
    """Delete what has expired, with its files. Returns how many pictures."""
    expired = QueryPicture.objects.filter(expires_at__lte=Now()).values_list("pk", flat=True)[:AT_ONCE]
    number, _kinds = QueryPicture.objects.filter(pk__in=list(expired)).delete()
    blobs.forget_unused()
    return number

"""Uploads that arrive in pieces: what has arrived is durable, and whoever lost the connection goes on from there.

Whoever writes holds a lock of the partial file, which ends with its process, whatever ends that.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import IO, Protocol
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from searchsite.accounts.models import User
from searchsite.config import Config
from searchsite.jobs.models import Lane
from searchsite.library import files, intake, wording
from searchsite.library.intake import Added, Place
from searchsite.library.models import Item, Upload
from searchsite.library.partials import FOLDER
from searchsite.library.refusals import Refusal
from searchsite.library.scope import Scope, scope_for

# What a broken connection may lose, what a killed server may lose, and how many one person may leave unfinished.
PIECE, STEP, OPEN_AT_ONCE = 1 << 16, 2 << 20, 100
NAME_CHARS = 255
AT_ONCE = 500


class Source(Protocol):
    """Where bytes come from: a file, or a request's body."""

    def read(self, size: int, /) -> bytes:
        """Return at most that many bytes; none at the end."""


def create(name: str, size: int, *, into: Place) -> Upload:
    """Begin an upload. Refuses what is too large, does not fit on the disk, or is one too many."""
    config: Config = settings.CONFIG
    intake.check_size(size)
    scope = into.scope
    with transaction.atomic():
        # One person's uploads are counted one after the other.
        User.objects.select_for_update(no_key=True).get(pk=scope.user_id)
        _within_quota(scope)
        upload = Upload.objects.create(
            team_id=scope.team_id,
            owner_id=scope.user_id,
            collection=into.collection,
            name=_name(name),
            size=size,
            expires_at=Now() + timedelta(hours=config.upload_hours),
        )
        upload.refresh_from_db(fields=["expires_at"])
        _make_room(path_of(upload), size)
    return upload


def find(public_id: UUID, owner: User) -> Upload | None:
    """Return one's own upload that is still kept, in a team that one still belongs to."""
    mine = Upload.objects.filter(owner=owner, team__memberships__user=owner)
    return mine.filter(public_id=public_id, expires_at__gt=Now()).first()


def unfinished(scope: Scope) -> QuerySet[Upload]:
    """The person's uploads in this team that are no item yet, the newest first."""
    mine = Upload.objects.filter(owner_id=scope.user_id, team_id=scope.team_id, item=None)
    return mine.filter(expires_at__gt=Now()).order_by("-pk")


def path_of(upload: Upload) -> Path:
    """The partial file."""
    return files.media_root() / upload.path


def resume(upload: Upload) -> None:
    """Make `upload.offset` true. Refuses (423) while somebody writes."""
    if upload.item_id is None:
        with _held(upload):
            pass


def append(upload: Upload, source: Source, *, at: int) -> None:
    """Write what comes behind what is there. Whatever breaks, what has arrived stays and `upload.offset` is true."""
    with _held(upload) as file:
        if at != upload.offset:
            message = _("The upload goes on at byte %(offset)d.") % {"offset": upload.offset}
            raise Refusal(message, code="offset", status=409)
        try:
            with files.space_or_refusal():
                _write(upload, file, source)
        finally:
            _settle(upload, file)


def finish(upload: Upload) -> Added:
    """Make the complete file an item like any other, once, however often it is asked.

    Refused for good, nothing is left of it; refused for now, as on a full disk, it may be asked again.
    An item that its owner may no longer see is as missing as any other (404).
    """
    added = _finished(upload)
    if not Item.objects.visible_to(scope_for(upload.owner, upload.team_id)).filter(pk=added.item.pk).exists():
        raise Refusal(_("There is no such upload."), code="missing", status=404)
    return added


def _finished(upload: Upload) -> Added:
    if upload.item is not None:
        return Added(upload.item, created=not upload.known)
    if upload.offset < upload.size:
        raise Refusal(_("A part of the file is still missing."), code="incomplete", status=409)
    try:
        with _held(upload) as file:
            added = _take_in(upload, file)
    except Refusal as refusal:
        taken = Upload.objects.select_related("item").filter(pk=upload.pk, item__isnull=False).first()
        if refusal.code == "gone" and taken is not None and taken.item is not None:
            return Added(taken.item, created=not taken.known)
        if refusal.status < 500 and refusal.code not in ("locked", "gone"):
            forget(upload)
        raise
    path_of(upload).unlink(missing_ok=True)
    return added


def cancel(upload: Upload) -> None:
    """Forget an upload. Refuses (423) while somebody writes; what became an item stays one."""
    if upload.item_id is None:
        with _held(upload):
            forget(upload)
    else:
        forget(upload)


def forget(upload: Upload) -> None:
    """Remove an upload that nobody else writes to; the row first, as a file without a row is swept."""
    Upload.objects.filter(pk=upload.pk).delete()
    path_of(upload).unlink(missing_ok=True)


def purge_expired() -> int:
    """Forget the uploads whose time is over, and remove partial files that no row names. Returns how many rows."""
    over = Upload.objects.filter(expires_at__lte=Now()).order_by("expires_at")[:AT_ONCE]
    number = sum(map(_purged, over))
    _sweep()
    return number


def _purged(upload: Upload) -> bool:
    """Forget it, unless somebody writes: then it is the next round's."""
    try:
        cancel(upload)
    except Refusal as refusal:
        return refusal.code != "locked"
    return True


def _within_quota(scope: Scope) -> None:
    waiting = unfinished(scope).count()
    if waiting >= OPEN_AT_ONCE:
        message = ngettext(
            "You have %(number)d unfinished upload. Finish or discard it first.",
            "You have %(number)d unfinished uploads. Finish or discard some first.",
            waiting,
        )
        raise Refusal(message % {"number": waiting}, code="too-many", status=429)


def _make_room(path: Path, size: int) -> None:
    with files.space_or_refusal():
        path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        if shutil.disk_usage(path.parent).free < size:
            raise files.disk_full()
        path.touch(mode=0o640)


def _name(name: str) -> str:
    """The last part of the file's name; its end is kept, as it tells what a text is."""
    last = name[-4 * NAME_CHARS :].replace("\\", "/").rpartition("/")[2]
    return wording.clean_line(last, limit=4 * NAME_CHARS)[-NAME_CHARS:]


@contextmanager
def _held(upload: Upload) -> Iterator[IO[bytes]]:
    """Open the partial file for nobody else, and make the row say how much of it is durable."""
    try:
        file = path_of(upload).open("r+b", buffering=0)
    except FileNotFoundError:
        # Without its file, only what became an item is worth a row.
        Upload.objects.filter(pk=upload.pk, item=None).delete()
        raise _gone() from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            message = _("Another request is writing to this upload.")
            raise Refusal(message, code="locked", status=423) from None
        # Whoever held it before may have written, finished or removed it.
        fresh = Upload.objects.select_related("item").filter(pk=upload.pk).first()
        if fresh is None:
            raise _gone()
        upload.offset, upload.item, upload.known = fresh.offset, fresh.item, fresh.known
        length = os.fstat(file.fileno()).st_size
        if fresh.item is None and length != upload.offset:
            # What a killed server wrote last was not durable; a disk that was put back holds less.
            file.truncate(min(length, upload.offset))
            _settle(upload, file)
        yield file


def _write(upload: Upload, file: IO[bytes], source: Source) -> None:
    file.seek(upload.offset)
    durable = upload.offset
    while (left := upload.size - file.tell()) and (piece := source.read(min(PIECE, left))):
        view = memoryview(piece)
        while view:
            view = view[file.write(view) :]
        if file.tell() - durable >= STEP:
            _settle(upload, file)
            durable = upload.offset


def _settle(upload: Upload, file: IO[bytes]) -> None:
    """Make what was written durable, and then say so."""
    os.fsync(file.fileno())
    upload.offset = os.fstat(file.fileno()).st_size
    Upload.objects.filter(pk=upload.pk).update(offset=upload.offset)


def _take_in(upload: Upload, file: IO[bytes]) -> Added:
    if upload.item is not None:
        return Added(upload.item, created=not upload.known)
    # The rights of now, in the team where it began.
    scope = scope_for(upload.owner, upload.team_id)
    file.seek(0)
    with transaction.atomic():
        added = intake.add_file(file, upload.name, into=Place(scope, upload.collection, Lane.WAITING))
        upload.item, upload.known = added.item, not added.created
        upload.save(update_fields=["item", "known"])
    return added


def _sweep() -> None:
    stale = {path.name: path for path in files.stale(files.media_root() / FOLDER)}
    named = Upload.objects.filter(item=None).values_list("public_id", flat=True) if stale else ()
    for name in stale.keys() - {one.hex for one in named}:
        stale[name].unlink(missing_ok=True)


def _gone() -> Refusal:
    return Refusal(_("This upload is gone; begin anew."), code="gone", status=410)

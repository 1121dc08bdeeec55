"""Whether the disks have room left: before one is full, intake and the work that fills it pause. Searching goes on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import Error
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from searchsite.config import Config
from searchsite.library import files
from searchsite.library.refusals import Refusal

# Of a disk so small that the setting would be most of it, this share is enough.
SHARE = 20
FULL_STATE = "53100"
DATABASE_FULL = gettext_noop("The disk of the database is full.")
HELD = {
    "media": gettext_noop("The disk of the files is nearly full: work goes on once there is room."),
    "database": gettext_noop("The disk of the database is nearly full: work goes on once there is room."),
}
FOUND = {
    "media": gettext_noop("The disk of the files is nearly full (%(free)s MB are left)."),
    "database": gettext_noop("The disk of the database is nearly full (%(free)s MB are left)."),
}


@dataclass(frozen=True)
class Volume:
    """A disk that we fill: what lies on it, how many bytes are free, and how few may be before we stop."""

    name: str
    free: int
    least: int

    @property
    def is_short(self) -> bool:
        """Whether so little is left that nothing more is put on it."""
        return self.free < self.least

    @property
    def held(self) -> str:
        """Why work waits, in the language of the request."""
        return _(HELD[self.name])

    @property
    def found(self) -> str:
        """What an operator is told."""
        return _(FOUND[self.name]) % {"free": files.megabytes(self.free)}


def volumes() -> list[Volume]:
    """The disks of the files and of the embedded database; of another server's disk nothing is known. Costs 10 us."""
    return [_volume(name, path) for name, path in _places()]


def short() -> Volume | None:
    """The first disk that is nearly full, if one is."""
    return next((one for one in volumes() if one.is_short), None)


def require_room() -> None:
    """Refuse (507) what would be put in while a disk is nearly full."""
    if short() is not None:
        message = _("The disk of the server is nearly full: nothing more is taken in, what is there can be searched.")
        raise Refusal(message, code="disk-low", status=507)


def refusal_of(error: BaseException | None) -> Refusal | None:
    """What to answer (507) where an error comes of a disk without any room, here or at the database."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in files.FULL:
            return files.disk_full()
        if isinstance(error, Error) and getattr(error.__cause__, "sqlstate", None) == FULL_STATE:
            return Refusal(_(DATABASE_FULL), code="disk-full", status=507)
        error = error.__cause__ or error.__context__
    return None


def _places() -> Iterator[tuple[str, Path]]:
    config: Config = settings.CONFIG
    yield "media", files.media_root()
    if config.database_url is None:
        yield "database", config.data_dir


def _volume(name: str, path: Path) -> Volume:
    config: Config = settings.CONFIG
    while not path.exists() and path != path.parent:
        path = path.parent
    found = os.statvfs(path)
    least = min(config.min_free_bytes, found.f_blocks * found.f_frsize // SHARE)
    return Volume(name, found.f_bavail * found.f_frsize, least)

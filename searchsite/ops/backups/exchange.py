"""Exchanges what is there for what was restored, files and database; what a kill cut off is brought to an end.

The folders move in a transaction that changes the database: it alone says whether all has come through. It begins with
what may fail, and ends when the files are on the disk.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from django.db import DatabaseError, Error, connection

from searchsite.config import Config
from searchsite.ops import first_run
from searchsite.ops.backups import contents, database, journal, layout, moving
from searchsite.ops.backups.journal import Journal
from searchsite.ops.errors import CannotKeep
from searchsite.steps import Keeping, reached

CAME, BACK = "came through", "was undone"
SAID = {
    CAME: "A restore that was cut off had come through: what was restored is there.",
    BACK: "A restore that was cut off was undone: all is as it was before it.",
}


def swap(config: Config, new: str, *, stamp: str) -> Path | None:
    """Put the staged files and the database `new` in the place of what is there; where the old files are, if any."""
    noted = _note(config, stamp, new=new)
    taking = database.taking_the_place(config, new, of=noted.database, old=before(stamp))
    with _whole_or_undone(config), taking:
        moving.move(config.media_root, noted)
    return _end(config, noted)


def fill(config: Config, load: Callable[[], None], *, stamp: str) -> Path | None:
    """Fill the empty database, and put the staged files in the place of what is there."""
    noted = _note(config, stamp, new=None)
    with _whole_or_undone(config):
        database.begin_loading()
        contents.mark(stamp)
        load()
        reached(Keeping.RESTORE_FILLED)
        database.require_nobody_else()
        moving.move(config.media_root, noted)
        contents.unmark(stamp)
    return _end(config, noted)


def before(stamp: str) -> str:
    """The name that the old database is given."""
    return f"{database.name()}_{database.BEFORE}_{stamp}"


def settle(config: Config) -> str | None:
    """Bring a restore that was cut off to an end: it came through, or is undone. None: there was none.

    Raises CannotKeep, and moves nothing, where the database does not tell which.
    """
    noted = journal.read(config.media_root)
    if noted is None:
        return None
    connection.close()
    if noted.new is not None:
        database.end_what_exchanges(config)
    came = _came_through(noted)
    if not came:
        if noted.new is None:
            database.end_what_loads()
        moving.move_back(config.media_root, noted)
        reached(Keeping.SETTLE_FILES_BACK)
        _undo_database(config, noted)
        reached(Keeping.SETTLE_EMPTIED)
    else:
        first_run.is_over(config)
    journal.end(config.media_root)
    shutil.rmtree(noted.staged(config.media_root), ignore_errors=True)
    return CAME if came else BACK


def _note(config: Config, stamp: str, *, new: str | None) -> Journal:
    """Write down what is about to happen. Only our folders move: whatever else stands there stays where it is."""
    name = database.name()
    server, old = database.identity(name)
    noted = Journal(
        stamp=stamp,
        server=server,
        database=name,
        old=old,
        new=None if new is None else database.identity(new)[1],
        new_name=new or "",
        folders_old=_ours(config.media_root),
        folders_new=_ours(config.media_root / layout.STAGING),
    )
    noted.write(config.media_root)
    reached(Keeping.RESTORE_NOTED)
    return noted


def _ours(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if layout.is_ours(path.name))


def _came_through(noted: Journal) -> bool:
    """Whether the database holds what was restored. Raises CannotKeep where it is another one than then."""
    server, number = database.identity(database.name())
    if (database.name(), server) == (noted.database, noted.server):
        if number == noted.new:
            return True
        if number == noted.old and noted.new is not None:
            return False
        if number == noted.old and contents.marked() in (None, noted.stamp):
            return contents.was_restored(noted.stamp)
    raise CannotKeep(
        f"A restore was cut off ({noted.stamp}), and this is not the database `{noted.database}` that it was about:"
        " set DATABASE_URL and MEDIA_ROOT as they were then."
    )


def _undo_database(config: Config, noted: Journal) -> None:
    if noted.new is None:
        try:
            # Without the mark nothing in it is ours.
            if contents.marked() == noted.stamp:
                contents.empty()
        except DatabaseError as error:
            raise CannotKeep(
                f"The database `{noted.database}` was filled by half, and cannot be emptied ({str(error).strip()}):"
                " drop all that is in its schema `public`, then `manage.py restore --settle`."
            ) from None
    elif database.named(noted.new) == noted.new_name:
        database.drop(config, noted.new_name)


@contextmanager
def _whole_or_undone(config: Config) -> Iterator[None]:
    """After an error, too, the database says what has come of it: an answer may have been lost on its way."""
    try:
        yield
    except BaseException as error:
        try:
            came = settle(config) == CAME
        except (CannotKeep, OSError, Error, psycopg.Error) as worse:
            raise CannotKeep(
                f"{error} And that could not be undone: {worse} Then `manage.py restore --settle`."
            ) from None
        if not came or not isinstance(error, Exception):
            raise
    reached(Keeping.RESTORE_EXCHANGED)


def _end(config: Config, noted: Journal) -> Path | None:
    first_run.is_over(config)
    journal.end(config.media_root)
    reached(Keeping.RESTORE_ENDED)
    return noted.aside(config.media_root) if noted.folders_old else None

"""The steps of the work at which a process may be killed for a trial: `DIE_AT=embed.written` ends it there, as kill -9.

Nothing else is different in such a process. Without the variable a step costs one comparison.
"""

from __future__ import annotations

import os
import signal
from enum import StrEnum
from functools import cache


class Step(StrEnum):
    """What has just happened. The first word is the stage; the tests kill a process at each one of these."""

    UPLOAD_RECEIVED = "upload.received"
    UPLOAD_PLACED = "upload.placed"
    UPLOAD_WRITTEN = "upload.written"
    UPLOAD_COMMITTED = "upload.committed"
    DECODE_CLAIMED = "decode.claimed"
    DECODE_DECODED = "decode.decoded"
    DECODE_FILE_BEGUN = "decode.file-begun"
    DECODE_FILE_WRITTEN = "decode.file-written"
    DECODE_FILES_WRITTEN = "decode.files-written"
    DECODE_WRITTEN = "decode.written"
    DECODE_COMMITTED = "decode.committed"
    READ_CLAIMED = "read.claimed"
    READ_CALLED = "read.called"
    READ_ANSWERED = "read.answered"
    READ_WRITTEN = "read.written"
    READ_COMMITTED = "read.committed"
    CAPTION_CLAIMED = "caption.claimed"
    CAPTION_CALLED = "caption.called"
    CAPTION_ANSWERED = "caption.answered"
    CAPTION_WRITTEN = "caption.written"
    CAPTION_COMMITTED = "caption.committed"
    EMBED_CLAIMED = "embed.claimed"
    EMBED_LOOKED_UP = "embed.looked-up"
    EMBED_CALLED = "embed.called"
    EMBED_ANSWERED = "embed.answered"
    EMBED_WRITTEN = "embed.written"
    EMBED_COMMITTED = "embed.committed"


class Keeping(StrEnum):
    """The same of backups and restores."""

    BACKUP_DUMPED = "backup.dumped"
    RESTORE_NOTED = "restore.noted"
    RESTORE_LOADING = "restore.loading"
    RESTORE_FILLED = "restore.filled"
    RESTORE_OLD_BEGUN = "restore.old-begun"
    RESTORE_OLD_MOVED = "restore.old-moved"
    RESTORE_NEW_BEGUN = "restore.new-begun"
    RESTORE_NEW_MOVED = "restore.new-moved"
    RESTORE_EXCHANGED = "restore.exchanged"
    RESTORE_ENDED = "restore.ended"
    SETTLE_BEGUN = "settle.begun"
    SETTLE_FILES_BACK = "settle.files-back"
    SETTLE_EMPTIED = "settle.emptied"


def reached(step: Step | Keeping) -> None:
    """Go on, unless this process is to die here. `called`: a server has answered, and nobody has counted it yet.

    `written`: in a transaction that has not been committed. `claimed`, `committed`: in one that has.
    """
    if step == _last():
        os.kill(os.getpid(), signal.SIGKILL)


@cache
def _last() -> str:
    return os.environ.get("SEARCHSITE_DIE_AT", "")

"""Rows of stored bytes: made once per team, forgotten when nothing names them any more."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Exists, OuterRef

from searchsite.library import files
from searchsite.library.files import Received
from searchsite.library.models import Blob, Item, QueryPicture

AT_ONCE = 1000


def keep(team_id: int, new: Received, *, media_type: str) -> tuple[Blob, bool]:
    """Place a received file; return its row and whether it is new, so that nothing else can name it yet.

    Call it in a transaction: others with these bytes wait for its end.
    """
    files.lock(new.sha256)
    # The file is durable before the row: a crash in between leaves a file that nothing names, which does no harm.
    path = files.place(new)
    # Under the lock nobody else makes the row meanwhile, so this needs no savepoint as get_or_create does.
    known = Blob.objects.filter(team_id=team_id, sha256=new.sha256).first()
    if known is not None:
        return known, False
    made = {"path": path, "size": new.size, "media_type": media_type}
    return Blob.objects.create(team_id=team_id, sha256=new.sha256, **made), True


def forget_unused() -> int:
    """Delete the rows, and then the files, that no item and no query picture uses. Returns how many rows."""
    unused = Blob.objects.filter(
        ~Exists(Item.objects.filter(blob=OuterRef("pk"))), ~Exists(QueryPicture.objects.filter(blob=OuterRef("pk")))
    )
    number = 0
    for pk, sha256 in list(unused.values_list("pk", "sha256")[:AT_ONCE]):
        with transaction.atomic():
            files.lock(sha256)
            number += unused.filter(pk=pk).delete()[0]
        # Apart from the deletion, so that a crash leaves a file without a row and never a row without its file.
        with transaction.atomic():
            files.lock(sha256)
            if not Blob.objects.filter(sha256=sha256).exists():
                files.remove(sha256)
    return number

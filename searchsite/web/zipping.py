"""What lies in a zip of items, and its bytes, made one after the other while they are sent."""

from __future__ import annotations

import json
import mimetypes
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from django.db.models import F, Func, IntegerField, Sum
from zipstream import ZipStream

from searchsite.library import files
from searchsite.library.models import Item, ItemTag, Part, PartRole
from searchsite.library.scope import Scope, renewed
from searchsite.web.files import EXTENSIONS
from searchsite.web.watching import Still
from searchsite.web.zip_names import Names

log = structlog.get_logger()
NOTE = ".md"
MANIFEST, MISSING = "manifest.json", "MISSING.txt"
RENEWED_SECONDS = 0.5
AT_ONCE = 1000


class Gone(Exception):
    """A file or the right to it was lost while the zip was on its way: what was sent must not look complete."""


@dataclass(frozen=True)
class Entry:
    """One item as a file. A note has no path: its text is read when its turn comes."""

    item: Item
    name: str
    path: Path | None
    size: int


@dataclass(frozen=True)
class Contents:
    """What will be in the zip, and the titles of what has no file."""

    entries: Sequence[Entry]
    missing: Sequence[str]

    @property
    def size(self) -> int:
        """Bytes of the files together."""
        return sum(one.size for one in self.entries)


def contents_of(ids: Sequence[int], scope: Scope) -> Contents:
    """Look up what the scope may read of these items, in this order."""
    names, entries, missing = Names(), list[Entry](), list[str]()
    for name in (MANIFEST, MISSING):
        names.give(Path(name).stem, Path(name).suffix)
    for first in range(0, len(ids), AT_ONCE):
        some = ids[first : first + AT_ONCE]
        rows = Item.objects.visible_to(scope).filter(pk__in=some).select_related("blob", "collection")
        items = {one.pk: one for one in rows.defer("title_search", "placeholder")}
        notes = _bytes_of_notes([pk for pk, one in items.items() if one.blob is None])
        for item in (items[pk] for pk in some if pk in items):
            found = _file_of(item, notes)
            if found is None:
                missing.append(f"{item.title} ({item.public_id})")
            else:
                entries.append(Entry(item, names.give(item.title, _extension(item)), *found))
    return Contents(entries, missing)


def stream(contents: Contents, scope: Scope, *, let_in: Still = lambda: True) -> ZipStream:
    """A zip that is made as it is read; its length is known before. let_in: whether its reader still is."""
    made = ZipStream(sized=True)
    may = _Rights(scope, let_in)
    for entry in contents.entries:
        made.add(_bytes(entry, may), entry.name, size=entry.size)
    made.add(_manifest(contents.entries), MANIFEST)
    if contents.missing:
        made.add("\n".join(contents.missing) + "\n", MISSING)
    return made


class _Rights:
    """Whether an item may still be read. Both the scope and the item are asked anew twice a second."""

    def __init__(self, scope: Scope, let_in: Still) -> None:
        self._scope, self._since, self._in = scope, time.monotonic(), True
        self._let_in = let_in

    def is_old(self) -> bool:
        """Whether what is known of the rights is no longer to be relied on."""
        return time.monotonic() - self._since > RENEWED_SECONDS

    def still(self, item: Item) -> bool:
        if self.is_old():
            self._scope, self._in, self._since = renewed(self._scope), self._let_in(), time.monotonic()
        return self._in and Item.objects.visible_to(self._scope).filter(pk=item.pk).exists()


def _bytes(entry: Entry, may: _Rights) -> Iterator[bytes]:
    """The bytes of one file. Raises Gone; a shorter or longer file than promised breaks the zip off as well."""
    _require(entry, may)
    if entry.path is None:
        yield from _note(entry.item)
        return
    try:
        opened = entry.path.open("rb")
    except FileNotFoundError as error:
        log.warning("zip broken off", item=entry.item.pk, reason="the file is gone")
        raise Gone(entry.name) from error
    with opened:
        while chunk := opened.read(files.CHUNK):
            if may.is_old():
                _require(entry, may)
            yield chunk


def _require(entry: Entry, may: _Rights) -> None:
    if not may.still(entry.item):
        log.info("zip broken off", item=entry.item.pk, reason="the right to it was lost")
        raise Gone(entry.name)


def _note(item: Item) -> Iterator[bytes]:
    parts = Part.objects.filter(item=item, role=PartRole.CONTENT).order_by("ordinal")
    yield "".join(parts.values_list("text", flat=True)).encode()


def _file_of(item: Item, notes: dict[int, int]) -> tuple[Path | None, int] | None:
    """Where the item's bytes are, and how many; None when they are not there."""
    if item.blob is None:
        return None, notes.get(item.pk, 0)
    path = files.original_path(item.blob)
    try:
        return path, path.stat().st_size
    except FileNotFoundError:
        log.error("a file is missing", item=item.pk, path=item.blob.path)
        return None


def _bytes_of_notes(ids: Sequence[int]) -> dict[int, int]:
    length: Func = Func(F("text"), function="octet_length", output_field=IntegerField())
    parts = Part.objects.filter(item__in=ids, role=PartRole.CONTENT).order_by().values("item")
    return dict(parts.annotate(size=Sum(length)).values_list("item", "size"))


def _extension(item: Item) -> str:
    if item.blob is None:
        return NOTE
    media_type = item.blob.media_type.partition(";")[0]
    return EXTENSIONS.get(media_type) or mimetypes.guess_extension(media_type) or ""


def _manifest(entries: Sequence[Entry]) -> bytes:
    """What is known of each file, for programs."""
    ids = [entry.item.pk for entry in entries]
    said = Part.objects.filter(item__in=ids, role=PartRole.CAPTION, ordinal=0)
    captions = dict(said.values_list("item", "text"))
    tags: dict[int, list[str]] = {}
    for pk, name in ItemTag.objects.filter(item__in=ids).order_by("id").values_list("item", "tag__name"):
        tags.setdefault(pk, []).append(name)
    rows: list[dict[str, Any]] = [
        {
            "file": entry.name,
            "id": str(entry.item.public_id),
            "title": entry.item.title,
            "kind": entry.item.kind,
            "collection": entry.item.collection.name,
            "added": entry.item.created_at.isoformat(),
            "caption": captions.get(entry.item.pk, ""),
            "tags": tags.get(entry.item.pk, []),
            "source": entry.item.source_url,
        }
        for entry in entries
    ]
    return json.dumps(rows, ensure_ascii=False, indent=1).encode()

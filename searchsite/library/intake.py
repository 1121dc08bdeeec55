"""The only way in, for pages, API, admin and commands."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import IO
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from searchsite.accounts.models import User
from searchsite.config import Config
from searchsite.jobs import queue
from searchsite.jobs.models import Job
from searchsite.library import blobs, collections, drops, files, passages, sniffing, volumes, wording
from searchsite.library.models import Blob, Channel, Collection, Item, Kind, Part, PartRole, Purpose
from searchsite.library.refusals import Refusal
from searchsite.library.scope import Scope, scope_for
from searchsite.library.sniffing import Picture, Text
from searchsite.steps import Step, reached

SOURCE_CHARS = 2000


@dataclass(frozen=True)
class Place:
    """Where something goes, by whose rights, and who else waits for the work it makes."""

    scope: Scope
    collection: Collection
    lane: int
    source_url: str = ""


@dataclass(frozen=True)
class Added:
    """What came of it: a new item, or the one that already held these bytes in that collection."""

    item: Item
    created: bool


def place_for(scope: Scope, public_id: UUID | None, *, lane: int, source_url: str = "") -> Place:
    """Return the collection as a place; the Inbox without one. Refuses what is not visible (404) or writable (403)."""
    if public_id is None:
        inbox = inbox_of(scope.team_id)
        known = inbox.pk in scope.collection_ids
        # The scope may be older than the Inbox.
        current = scope if known else scope_for(User.objects.get(pk=scope.user_id), scope.team_id)
        return _writable(Place(current, inbox, lane, source_url))
    collection = Collection.objects.filter(public_id=public_id, id__in=scope.collection_ids).first()
    if collection is None:
        raise Refusal(_("There is no such collection."), code="collection-missing", status=404)
    return _writable(Place(scope, collection, lane, source_url))


def inbox_of(team_id: int) -> Collection:
    """Return the team's Inbox, making it if need be."""
    return collections.ensure_system(team_id)[Purpose.INBOX]


def add_file(file: IO[bytes], name: str, *, into: Place, title: str | None = None) -> Added:
    """Take in one picture or text file. Raises Refusal; then nothing is left of it."""
    place, config = _writable(into), _config()
    volumes.require_room()
    with files.received(file, limit=most_bytes()) as new:
        reached(Step.UPLOAD_RECEIVED)
        found = sniffing.look(new.path, name, config=config)
        if isinstance(found, Picture) and new.size > config.max_file_bytes:
            raise files.too_large(config.max_file_bytes)
        named = wording.clean_title(title) if title and title.strip() else wording.title_of_file(name)
        with transaction.atomic():
            blob, is_new = blobs.keep(place.scope.team_id, new, media_type=found.media_type)
            added = _new(blob, named, found, place) if is_new else _once(blob, named, found, place)
            reached(Step.UPLOAD_WRITTEN)
        reached(Step.UPLOAD_COMMITTED)
        return added


def holder_of(sha256: str, place: Place) -> int | None:
    """Return the item that holds these bytes in the place's collection, if there is one outside the trash."""
    if place.collection.pk is None:  # One that would be made.
        return None
    found = Item.objects.filter(collection=place.collection, blob__sha256=sha256, trashed_at=None)
    return found.values_list("pk", flat=True).first()


def most_bytes() -> int:
    """How large a file may be to be read at all."""
    return max(_config().max_file_bytes, _config().max_text_bytes)


def check_size(size: int) -> None:
    """Refuse what is too large to be read at all."""
    if size > most_bytes():
        raise files.too_large(most_bytes())


def check_file(path: Path) -> Picture | Text:
    """Look at a file as `add_file` does, and keep nothing. Raises Refusal."""
    check_size(path.stat().st_size)
    found = sniffing.look(path, path.name, config=_config())
    if isinstance(found, Picture) and path.stat().st_size > _config().max_file_bytes:
        raise files.too_large(_config().max_file_bytes)
    return found


def add_text(text: str, *, title: str | None, into: Place) -> Added:
    """Take in a note. Notes are never merged, even when they say the same."""
    place, cleaned = _writable(into), checked_text(text)
    volumes.require_room()
    named = wording.clean_title(title) if title and title.strip() else wording.title_of_text(cleaned)
    with transaction.atomic():
        return _new(None, named, Text(cleaned), place)


def checked_text(text: str) -> str:
    """The text of a note, cleaned. Refuses one that is too large or says nothing."""
    limit = _config().max_text_bytes
    if len(text) > limit or len(text.encode("utf-8", "surrogatepass")) > limit:
        message = _("The text is larger than %(size)s MB.") % {"size": files.megabytes(limit)}
        raise Refusal(message, code="too-large", status=413)
    cleaned = wording.clean_text(text)
    if not cleaned.strip():
        raise Refusal(_("The text is empty."), code="empty")
    return cleaned


def text_parts(item: Item, text: str) -> list[Part]:
    """The passages of an item's text, as parts that are not yet written."""
    return [
        Part(
            item=item,
            channel=Channel.TEXT,
            role=PartRole.CONTENT,
            ordinal=number,
            text=passage.text,
            locator={"start": passage.start, "end": passage.end},
        )
        for number, passage in enumerate(passages.split(text))
    ]


def _config() -> Config:
    config: Config = settings.CONFIG
    return config


def _writable(place: Place) -> Place:
    if place.collection.pk not in place.scope.writable_ids:
        message = _("You may not put anything into “%(name)s”.") % {"name": place.collection.shown_name}
        raise Refusal(message, code="read-only", status=403)
    return place


def _new(blob: Blob | None, title: str, found: Picture | Text, place: Place) -> Added:
    return Added(_create(blob, title, found, place), created=True)


def _once(blob: Blob, title: str, found: Picture | Text, place: Place) -> Added:
    """Make the item unless the collection has these bytes. Uploads of the same bytes queue behind blobs.keep()."""
    same = Item.objects.filter(collection=place.collection, blob=blob, trashed_at=None)
    known = same.first()
    if known is not None:
        return Added(known, created=False)
    try:
        with transaction.atomic():
            return _new(blob, title, found, place)
    except IntegrityError:
        # Somebody moved an item with these bytes here just now. Anything else that broke is not ours to hide.
        known = same.first()
        if known is None:
            raise
        return Added(known, created=False)


def _create(blob: Blob | None, title: str, found: Picture | Text, place: Place) -> Item:
    picture = isinstance(found, Picture)
    lane = drops.lane_of(place.lane, place.collection, place.scope.user_id)
    item = Item.objects.create(
        team_id=place.scope.team_id,
        collection=place.collection,
        blob=blob,
        kind=Kind.IMAGE if picture else Kind.TEXT,
        title=title,
        source_url=_source(place.source_url),
        created_by_id=place.scope.user_id,
    )
    Part.objects.bulk_create(_parts(item, found))
    # A text is ready to be embedded; of a picture nobody has seen anything before it is decoded.
    stage = "decode" if picture else "embed"
    queue.enqueue([Job(kind=stage, queue=stage, lane=lane, team_id=item.team_id, subject=item.pk)])
    return item


def _parts(item: Item, found: Picture | Text) -> list[Part]:
    if isinstance(found, Picture):
        return [Part(item=item, channel=Channel.IMAGE, role=PartRole.CONTENT)]
    return text_parts(item, found.text)


def _source(url: str) -> str:
    cleaned = url.strip()
    if not cleaned:
        return ""
    if len(cleaned) > SOURCE_CHARS or not cleaned.lower().startswith(("http://", "https://")):
        raise Refusal(_("A source is a web address of at most 2,000 characters."), code="source-url")
    return wording.clean_line(cleaned, limit=SOURCE_CHARS)

"""Copies of pictures: each look is kept and compared once; a person keeps the best of a group, or keeps them apart."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Any, LiteralString

import structlog
from django.db import IntegrityError, connection, transaction
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from searchsite.jobs import queue
from searchsite.jobs.models import Job, Lane
from searchsite.library import bulk, files, perceptual, sayings, tags
from searchsite.library.models import (
    Author,
    Blob,
    DeclinedTag,
    Item,
    ItemTag,
    KeptApart,
    Likeness,
    Look,
    Part,
    PartRole,
    Source,
)
from searchsite.library.perceptual import BAND_BITS, Print
from searchsite.library.refusals import Refusal
from searchsite.library.scope import Scope, kept

log = structlog.get_logger()
AT_ONCE = 50
# Of a picture that is there a thousand times, so many others are looked at, and so many are noted: a group holds
# together by fewer.
MOST_CANDIDATES, MOST_NOTED = 200, 20
# A group that a person looks at; more are offered once these are done with.
MOST_TOGETHER = 24
COMPARING = 0x6C6F6F6B
# A blob that went meanwhile keeps no look.
KEEP: LiteralString = """
INSERT INTO picture_look (blob_id, team_id, bands, grey, colour, ratio, compared)
SELECT blob.id, blob.team_id, %(bands)s, %(grey)s, %(colour)s, %(ratio)s, false FROM blob WHERE blob.id = %(blob)s
ON CONFLICT (blob_id) DO NOTHING
"""
CANDIDATES: LiteralString = """
SELECT blob_id, bands, grey, colour, ratio FROM picture_look
WHERE bands && %(nearby)s::integer[] AND team_id = %(team)s AND blob_id <> %(blob)s LIMIT %(most)s
"""
# Titles that cameras, phones and programs give; a person's has some other word.
GIVEN_BY_MACHINES = frozenset(
    """img imgp dsc dscn dscf pic pict image photo foto bild screenshot screen shot bildschirmfoto vom scan scanned pxl
    mvimg whatsapp wa at am pm um from untitled unnamed copy of kopie von p jpg jpeg png""".split()  # noqa: SIM905
)
BETWEEN, HEXADECIMAL = re.compile(r"[\W\d_]+"), re.compile(r"[0-9a-f-]{8,}", re.IGNORECASE)


def keep_look(blob: Blob, picture: bytes) -> None:
    """Keep how a file looks, from its derivative; the next comparison finds what it is alike to.

    What can't be read is alike to nothing.
    """
    try:
        found = perceptual.print_of(picture)
    except OSError as error:
        log.info("no look", blob=blob.pk, error=type(error).__name__)
        found = Print(0, b"", b"", 1.0)
    bands = [] if found.is_plain else perceptual.bands_of(found.hash)
    values: dict[str, Any] = {
        "blob": blob.pk,
        "bands": bands,
        "grey": found.grey,
        "colour": found.colour,
        "ratio": found.ratio,
    }
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(KEEP, values | {"blob": blob.pk, "bands": bands})
    except IntegrityError:
        log.info("the file went meanwhile", blob=blob.pk)


def catch_up(*, seconds: float) -> bool:
    """Keep the looks of pictures that were there before looks were kept, for a while. True: none is left."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        shown = Item.objects.filter(blob=OuterRef("pk"), width__isnull=False)
        some = list(Blob.objects.filter(Exists(shown), look=None).order_by("-pk")[:AT_ONCE])
        for blob in some:
            keep_look(blob, _thumbnail(blob))
        if len(some) < AT_ONCE:
            return True
    return False


def compare(*, seconds: float) -> int:
    """Note what new looks are alike to, for a while; returns how many were compared.

    One process at a time, and after the looks were committed: of two that come together one sees the other.
    """
    until, number = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [COMPARING])
            some = list(Look.objects.filter(compared=False).order_by("pk")[:AT_ONCE]) if cursor.fetchone()[0] else []
            for look in some:
                _note_alike(look)
            Look.objects.filter(pk__in=[look.pk for look in some]).update(compared=True)
        number += len(some)
        if len(some) < AT_ONCE:
            break
    return number


def keep_best(best: int, others: Sequence[int], *, scope: Scope) -> dict[int, int]:
    """Keep one item with the tags of all, and move the others to the trash; returns where each of those was.

    A title, caption or text that a person wrote is taken over where the best has none. All or nothing: raises Refusal
    where one of them went or may not be changed.
    """
    if best in others or not 1 <= len(others) < MOST_TOGETHER:
        raise Refusal(_("Choose the one to keep, among others."), code="nothing-selected")
    with transaction.atomic():
        scope = kept(scope)
        held = _locked([best, *others], scope)
        _take_over(held[best], [held[pk] for pk in others])
        done = bulk.trash_all(others, scope=scope).done
        if len(done) < len(others):
            raise gone()
    return dict(done)


@transaction.atomic
def keep_apart(ids: Iterable[int], *, scope: Scope) -> None:
    """Remember that these items are different, each from each. Raises Refusal where one went or may not be changed."""
    listed = sorted(set(ids))
    if not 1 < len(listed) <= MOST_TOGETHER:
        raise Refusal(_("Two or more are needed to be different."), code="nothing-selected")
    _locked(listed, kept(scope))
    pairs = [KeptApart(one_id=one, other_id=other) for one, other in combinations(listed, 2)]
    KeptApart.objects.bulk_create(pairs, ignore_conflicts=True)


def gone() -> Refusal:
    """The refusal where one of several items went meanwhile."""
    message = _("One of these items is not there any more, or may not be changed by you. Nothing was changed.")
    return Refusal(message, code="gone", status=409)


def is_named(title: str) -> bool:
    """Whether a title says more than a camera or a program would."""
    if HEXADECIMAL.fullmatch(title):
        return False
    return any(word.lower() not in GIVEN_BY_MACHINES for word in BETWEEN.split(title) if word)


def _thumbnail(blob: Blob) -> bytes:
    try:
        return files.derivative_path(blob, files.THUMBNAIL).read_bytes()
    except OSError:
        return b""


def _print(bands: Sequence[int], grey: bytes | memoryview, colour: bytes | memoryview, ratio: float) -> Print:
    """What a row of looks says."""
    parts = ((band & 0xFFFF) << (BAND_BITS * (band >> BAND_BITS)) for band in bands)
    return Print(sum(parts), bytes(grey), bytes(colour), ratio)


def _note_alike(look: Look) -> None:
    if not look.bands:
        return
    own = _print(look.bands, look.grey, look.colour, look.ratio)
    values: dict[str, Any] = {"blob": look.pk, "team": look.team_id, "most": MOST_CANDIDATES}
    with connection.cursor() as cursor:
        cursor.execute(CANDIDATES, values | {"nearby": perceptual.nearby(own.hash)})
        found = [(row[0], perceptual.likeness(own, _print(*row[1:]))) for row in cursor.fetchall()]
    alike = sorted((kind == "cut", pk) for pk, kind in found if kind)[:MOST_NOTED]
    same = _same(look.pk, [pk for cut, pk in alike if not cut])
    pairs = [
        Likeness(team_id=look.team_id, one_id=min(look.pk, pk), other_id=max(look.pk, pk), sure=not cut)
        for cut, pk in alike
        if cut or pk in same
    ]
    Likeness.objects.bulk_create(pairs, ignore_conflicts=True)


def _same(blob: int, others: Sequence[int]) -> set[int]:
    """Those of the other files that are the same picture when looked at closely; costs two small files a pair."""
    pictures = {known.pk: _thumbnail(known) for known in Blob.objects.filter(pk__in=[blob, *others])} if others else {}
    found = set()
    for pk in others:
        try:
            if perceptual.is_same(pictures.get(blob, b""), pictures.get(pk, b"")):
                found.add(pk)
        except OSError as error:
            log.info("not comparable", blob=blob, other=pk, error=type(error).__name__)
    return found


def _locked(ids: Sequence[int], scope: Scope) -> dict[int, Item]:
    """The items, in one order everywhere, so that nobody changes them meanwhile."""
    here = Item.objects.filter(pk__in=ids, collection_id__in=scope.writable_ids, trashed_at=None, team_id=scope.team_id)
    held = here.defer("title_search").select_for_update(of=("self",)).order_by("pk")
    found = {item.pk: item for item in held}
    if len(found) < len(set(ids)):
        raise gone()
    return found


def _take_over(best: Item, others: Sequence[Item]) -> None:
    """What people wrote of the others, where the best has nothing of theirs."""
    if not is_named(best.title):
        best.title = next((one.title for one in others if is_named(one.title)), best.title)
    best.source_url = next((one.source_url for one in (best, *others) if one.source_url), "")
    best.save(update_fields=["title", "source_url"])
    changed = _take_tags(best, others)
    for role in (PartRole.CAPTION, PartRole.OCR):
        if sayings.author_of(best, role) != Author.PERSON:
            changed |= _take_saying(best, others, role)
    if changed:
        job = Job(kind="embed", queue="embed", lane=Lane.WAITING, team_id=best.team_id, subject=best.pk)
        queue.enqueue([job])


def _take_tags(best: Item, others: Sequence[Item]) -> bool:
    declined = DeclinedTag.objects.filter(item=best).values_list("name", flat=True)
    theirs = ItemTag.objects.filter(item__in=others, source=Source.PERSON).exclude(tag__name__in=declined)
    names = list(theirs.order_by("tag__name").values_list("tag__name", flat=True).distinct())
    if not names:
        return False
    if tags.full([best.pk], add=names, remove=[]):
        message = _("Together they have more than %(most)s tags. Take some off first.") % {"most": tags.MOST}
        raise Refusal(message, code="too-many-tags")
    return bool(tags.change([best.pk], add=names, remove=[], team_id=best.team_id))


def _take_saying(best: Item, others: Sequence[Item], role: PartRole) -> bool:
    """The words of the first of the others of which a person wrote any."""
    for one in others:
        parts = Part.objects.filter(item=one, role=role, set_by=Author.PERSON).order_by("ordinal")
        said = [sayings.Saying(text, where) for text, where in parts.values_list("text", "locator") if text]
        if said:
            return sayings.write(best, role, said, sayings.PERSON)
    return False

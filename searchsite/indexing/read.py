"""The stage read: the text in a picture and what a classifier sees in it become parts and tags."""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from django.db import transaction

from searchsite.accounts import meter
from searchsite.indexing import plan, provider
from searchsite.indexing.inputs import NO_FILE
from searchsite.inference.errors import TooSlow
from searchsite.inference.types import Picture, Reading, Word
from searchsite.jobs import queue
from searchsite.jobs.queue import Claim, Fenced
from searchsite.library import files, kinds, passages, sayings, tags, wording
from searchsite.library.models import Author, Item, PartRole
from searchsite.library.sayings import MOST_PASSAGES, Saying, Voice
from searchsite.steps import Step, reached

log = structlog.get_logger()
# A label that the classifier gives less than this is a guess, and more of them only blur a picture.
LEAST_PROBABILITY, MOST_TAGS = 0.10, 7
READER = "builtin"


def run(claims: Sequence[Claim]) -> None:
    """Read the claims' pictures, each on its own. Raises an InferenceError when the server can't."""
    for claim in claims:
        try:
            reading = _read(claim)
            reached(Step.READ_ANSWERED)
            _finish(claim, reading)
            reached(Step.READ_COMMITTED)
        except Fenced as error:
            log.info("late result dropped", reason=str(error))
        except FileNotFoundError:
            queue.fail(claim, NO_FILE, permanent=True)


def _read(claim: Claim) -> Reading | None:
    """Ask the reader, unless the item is gone or the server has no reader."""
    item = Item.objects.select_related("blob").filter(pk=claim.subject).first()
    client = provider.client()
    if item is None or item.blob is None or not client.reads():
        return None
    picture = Picture(files.view_path(item.blob).read_bytes(), files.DERIVATIVE_TYPE)
    try:
        with meter.paying([item.team_id]):
            return client.read([picture])[0]
    except TooSlow as error:
        raise provider.settled(error) from error


@transaction.atomic
def _finish(claim: Claim, reading: Reading | None) -> None:
    """Write parts and tags with the job's end. The item is locked, so that a running embed sees the new parts."""
    item = Item.objects.select_for_update(of=("self",)).filter(pk=claim.subject).first()
    queue.finish(claim)
    if item is None or reading is None:
        return
    if not item.depicts:
        # What a captioner calls things says more.
        labels = [label for label, probability in reading.tags if probability >= LEAST_PROBABILITY][:MOST_TAGS]
        tags.set_machine(item, labels)
    if kinds.apply_labels(item, reading.tags):
        item.save(update_fields=["kind"])
    _write(item, _passages(reading))
    queue.enqueue([plan.job(plan.EMBED, item, lane=claim.lane)])
    reached(Step.READ_WRITTEN)


def _write(item: Item, said: Sequence[Saying]) -> None:
    """The reader's word counts before a captioner's, since it says where words stand; unless it found none."""
    if said or sayings.author_of(item, PartRole.OCR) != Author.CAPTIONER:
        sayings.write(item, PartRole.OCR, said, Voice(Author.READER, READER))


def _passages(reading: Reading) -> list[Saying]:
    """The text in passages, each with the boxes of its words as shares of width and height."""
    text = wording.clean_text(reading.text)
    if not text.strip():
        return []
    cut = passages.split(text)[:MOST_PASSAGES]
    places = _places(text, reading.words)
    boxes: list[list[list[str | float]]] = [[] for _ in cut]
    for word, place in zip(reading.words, places, strict=True):
        for passage, found in zip(cut, boxes, strict=True):
            if passage.start <= place < passage.end:
                found.append([wording.clean_text(word.text), *(round(edge, 4) for edge in word.box)])
    return [Saying(passage.text, {"words": found}) for passage, found in zip(cut, boxes, strict=True)]


def _places(text: str, words: Sequence[Word]) -> list[int]:
    """Where each word begins in the text; words come in the order of reading."""
    places, at = [], 0
    for word in words:
        found = text.find(wording.clean_text(word.text), at)
        at = at if found < 0 else found
        places.append(at)
        at = at if found < 0 else found + len(word.text)
    return places

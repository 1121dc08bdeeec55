"""The stage caption: a captioner says of a picture what it shows, and that becomes parts and tags.

Captions take seconds, so several are asked for at a time. Threads do the asking; all that is found out is written by
the worker's own thread, one item a transaction.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed

import structlog
from django.db import connections, transaction
from django.utils.translation import gettext_noop

from searchsite.accounts import meter
from searchsite.indexing import plan, provider, suspects
from searchsite.indexing.inputs import NO_FILE
from searchsite.indexing.suspects import NotThere, RefusedAlone, absence, told_apart
from searchsite.inference import captioning, standins
from searchsite.inference.client import Client
from searchsite.inference.dialects.base import ChatTask
from searchsite.inference.errors import (
    BadAnswer,
    Declined,
    InferenceError,
    NotOffered,
    ServerFailed,
    TooSlow,
    Unreachable,
)
from searchsite.inference.types import Caption, Message, Picture
from searchsite.jobs import queue
from searchsite.jobs.queue import Claim, Fenced
from searchsite.library import files, sayings, tags, wording
from searchsite.library.models import Author, Item, Part, PartRole
from searchsite.library.sayings import Saying, Voice
from searchsite.steps import Step, reached

log = structlog.get_logger()
NOT_CONFIGURED = gettext_noop("No captioner is configured.")
SHORT, SHORT_SECONDS = ChatTask("", [Message("user", "Say yes.")], most_tokens=16, thinking=False), 10.0
Outcome = Caption | InferenceError


def run(claims: Sequence[Claim]) -> None:
    """Caption the claims' pictures, each on its own. Raises an InferenceError when the rest must wait."""
    network = plan.captioner()
    if network is None:
        for claim in claims:
            queue.fail(claim, NOT_CONFIGURED, permanent=True)
        return
    stopped: InferenceError | None = None
    for claim, outcome in _outcomes(provider.client(), _pictures(claims)):
        if isinstance(outcome, Caption):
            reached(Step.CAPTION_ANSWERED)
            _finish(claim, outcome, network)
            reached(Step.CAPTION_COMMITTED)
        elif isinstance(outcome, RefusedAlone):
            suspects.give_back([claim], outcome)
        elif outcome.shared:
            stopped = outcome
        else:
            queue.fail(claim, outcome.message, permanent=outcome.permanent)
    if stopped is not None:
        raise stopped


def _pictures(claims: Sequence[Claim]) -> dict[Claim, Picture]:
    """What the captioner is to see. Claims of items that are gone, or whose file is, end here."""
    known = Item.objects.select_related("blob").only("blob").in_bulk([claim.subject for claim in claims])
    found: dict[Claim, Picture] = {}
    for claim in claims:
        item = known.get(claim.subject)
        if item is None or item.blob is None:
            queue.finish_all([claim])
            continue
        try:
            found[claim] = Picture(files.view_path(item.blob).read_bytes(), files.DERIVATIVE_TYPE)
        except FileNotFoundError:
            queue.fail(claim, NO_FILE, permanent=True)
    return found


def _outcomes(client: Client, pictures: Mapping[Claim, Picture]) -> Iterator[tuple[Claim, Outcome]]:
    """What came of each, as it comes."""
    if len(pictures) < 2:
        yield from ((claim, _asked(client, claim, picture)) for claim, picture in pictures.items())
        return
    with ThreadPoolExecutor(len(pictures), "caption") as threads:
        futures: dict[Future[Outcome], Claim] = {
            threads.submit(_asked_apart, client, claim, picture): claim for claim, picture in pictures.items()
        }
        for future in as_completed(futures):
            yield futures[future], future.result()


def _asked_apart(client: Client, claim: Claim, picture: Picture) -> Outcome:
    """Ask in a thread; the meter has opened a database connection there, which nobody else would close."""
    try:
        return _asked(client, claim, picture)
    finally:
        connections.close_all()


def _asked(client: Client, claim: Claim, picture: Picture) -> Outcome:
    """Ask; once more at once where the connection broke, though the captioner is there."""
    with meter.paying([claim.team_id]):
        if claim.refused:
            return _asked_carefully(client, claim, picture)
        first = _described(client, picture)
        if not _broke(first) or not _is_there(client):
            return first
        second = _described(client, picture)
        if not _broke(second) or not _is_there(client):
            return second
        # It is the picture, then, and not bad luck.
        return _compared(client, picture, InferenceError(str(second)))


def _asked_carefully(client: Client, claim: Claim, picture: Picture) -> Outcome:
    """Ask for what was refused before, after something short: does the captioner take others?"""
    try:
        client.chat("caption", SHORT, seconds=SHORT_SECONDS)
    except InferenceError as error:
        away = absence(error)
        if away is not None:
            return away
    outcome = _described(client, picture)
    if not isinstance(outcome, InferenceError):
        return outcome
    told = told_apart(outcome)
    if told is not outcome and isinstance(told, RefusedAlone) and suspects.is_alone([claim]):
        told.compared = _takes_as_much(client, picture)
    return told


def _compared(client: Client, picture: Picture, error: InferenceError) -> InferenceError:
    """The error, which is the picture's if another of the same size is described, and else nobody's."""
    return error if _takes_as_much(client, picture) else RefusedAlone(error.message)


def _takes_as_much(client: Client, picture: Picture) -> bool:
    """Whether the captioner has something to say of a picture of the same size."""

    def ask() -> None:
        # These are answers, too, and that was the question.
        with contextlib.suppress(BadAnswer, Declined):
            captioning.describe(client, standins.of_picture(picture))

    return suspects.answered(ask)


def _broke(outcome: Outcome) -> bool:
    return isinstance(outcome, Unreachable) and outcome.broke


def _is_there(client: Client) -> bool:
    """Whether the captioner answers something short."""
    try:
        client.chat("caption", SHORT, seconds=SHORT_SECONDS)
    except InferenceError as error:
        return not error.shared
    return True


def _described(client: Client, picture: Picture) -> Outcome:
    try:
        return captioning.describe(client, picture)
    except NotOffered as error:
        return NotThere(error.message)
    except TooSlow as error:
        return _settled(client, picture, error)
    except ServerFailed as error:
        # Something short was answered, or this would be another error.
        return _compared(client, picture, error)
    except InferenceError as error:
        return error


def _settled(client: Client, picture: Picture, error: TooSlow) -> InferenceError:
    """Whose fault it is: the picture's while the server still answers, else nobody's."""
    try:
        client.networks("caption")
    except InferenceError:
        return Unreachable(error.message, retry_after=error.retry_after)
    return _compared(client, picture, error)


def _finish(claim: Claim, caption: Caption, network: str) -> None:
    """Write what was said with the job's end, unless the lease was lost meanwhile."""
    try:
        with transaction.atomic():
            item = Item.objects.select_for_update(of=("self",)).filter(pk=claim.subject).first()
            queue.finish(claim)
            if item is not None:
                _write(item, caption, network)
                queue.enqueue([plan.job(plan.EMBED, item, lane=claim.lane)])
            reached(Step.CAPTION_WRITTEN)
    except Fenced as error:
        log.info("late result dropped", reason=str(error))


def _write(item: Item, caption: Caption, network: str) -> None:
    """Caption, kind, tags and text. An answer that was no JSON holds a caption alone, and leaves the rest as it is."""
    said = wording.clean_text(caption.caption)
    sayings.write(item, PartRole.CAPTION, [Saying(said)], Voice(Author.CAPTIONER, network))
    if not caption.complete:
        return
    sayings.set_depicts(item, caption.kind)
    if caption.tags:
        tags.set_machine(item, caption.tags)
    _write_text(item, caption, Voice(Author.CAPTIONER, network, caption.language))


def _write_text(item: Item, caption: Caption, voice: Voice) -> None:
    """The text that the captioner read. A reader's own stays, as it knows where each word stands; it gets a language.

    So the captioner's text counts where it is the one who reads, or where the reader has found nothing (yet).
    """
    reader = plan.reader()
    if reader is None:
        return
    if reader == "captioner" or sayings.author_of(item, PartRole.OCR) in (None, Author.CAPTIONER):
        sayings.write(item, PartRole.OCR, sayings.split(wording.clean_text(caption.text)), voice)
    else:
        read = Part.objects.filter(item=item, role=PartRole.OCR, language="").exclude(set_by=Author.PERSON)
        read.update(language=voice.language)

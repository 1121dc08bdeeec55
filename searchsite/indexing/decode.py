"""The stage decode: the supervised decoder makes of an upload what everything later sees."""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from django.db import transaction
from django.utils.translation import gettext_noop

from searchsite import config
from searchsite.indexing import plan
from searchsite.jobs import queue
from searchsite.jobs.models import Job, Lane
from searchsite.jobs.queue import Claim
from searchsite.library import duplicates, files, items, sniffing
from searchsite.library.decoder import client as decoder
from searchsite.library.decoder.protocol import Decoded, DecoderBusy, DecoderGone, Policy, Undecodable
from searchsite.library.models import Blob, Item, Kind
from searchsite.steps import Step, reached

BUSY_SECONDS = 15.0
log = structlog.get_logger()


def run(claims: Sequence[Claim]) -> None:
    """Decode the claims' items, each on its own, and write what came of them in one transaction.

    Raises Refusal when there is no room for the pictures.
    """
    known = Item.objects.select_related("blob").only("blob").in_bulk([claim.subject for claim in claims])
    done: list[tuple[Claim, Decoded | None]] = []
    try:
        for claim in claims:
            item = known.get(claim.subject)
            try:
                done.append((claim, _decode(item.blob) if item is not None and item.blob is not None else None))
            except Undecodable as error:
                spent = error.spent
                log.info("undecodable", item=claim.subject, megabytes=spent.megabytes, seconds=spent.seconds)
                queue.fail(claim, str(error), permanent=True)
            except DecoderBusy as error:
                queue.release([claim], str(error), delay=BUSY_SECONDS)
            except DecoderGone as error:
                queue.fail(claim, str(error), permanent=False, died=True)
            except FileNotFoundError:
                queue.fail(claim, gettext_noop("The file is missing."), permanent=True)
    finally:
        # An error of one (a full disk) takes nothing from those before it.
        _finish(done)
        reached(Step.DECODE_COMMITTED)


def _decode(blob: Blob) -> Decoded:
    policy = Policy(config.load().max_pixels, sniffing.MAX_SIDE, files.SIZES)
    decoded = decoder.decode(files.original_path(blob), policy)
    reached(Step.DECODE_DECODED)
    files.write_derivatives(blob, decoded.derivatives)
    reached(Step.DECODE_FILES_WRITTEN)
    duplicates.keep_look(blob, decoded.derivatives[min(decoded.derivatives)])
    return decoded


@transaction.atomic
def _finish(done: Sequence[tuple[Claim, Decoded | None]]) -> None:
    """Write what was found out, with the jobs that follow; nothing where the item is gone or the lease is lost."""
    ids = [claim.subject for claim, _ in done]
    known = Item.objects.select_related("blob").defer("title_search").filter(pk__in=ids)
    alive = {item.pk: item for item in known.select_for_update(of=("self",), no_key=True).order_by("pk")}
    ended = queue.finish_all(claim for claim, _ in done)
    following: list[Job] = []
    for claim, decoded in done:
        item = alive.get(claim.subject)
        if claim.id not in ended:
            log.info("late result dropped", job=claim.id)
        elif item is not None and decoded is not None:
            items.apply_decoded(item, decoded)
            following += _following(item, claim)
    queue.enqueue(following)
    reached(Step.DECODE_WRITTEN)


def _following(item: Item, claim: Claim) -> list[Job]:
    lane = claim.lane
    jobs = [plan.job(plan.EMBED, item, lane=lane)]
    if claim.input_hash == plan.PICTURES_ONLY:
        return jobs
    if plan.captions():
        jobs.append(plan.job(plan.CAPTION, item, lane=lane))
    if plan.reads():
        # Reading is slow: what likely has text goes first, photos when there is nothing else to do.
        jobs.append(plan.job(plan.READ, item, lane=Lane.NORMAL if item.kind == Kind.SCREENSHOT else Lane.BULK))
    return jobs

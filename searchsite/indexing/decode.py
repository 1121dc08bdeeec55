"""The stage decode: the supervised decoder makes of an upload what everything later sees."""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from django.db import transaction

from searchsite import config
from searchsite.indexing import plan
from searchsite.jobs import queue
from searchsite.jobs.models import Lane
from searchsite.jobs.queue import Claim, Fenced
from searchsite.library import files, items, sniffing
from searchsite.library.decoder import client as decoder
from searchsite.library.decoder.protocol import Decoded, DecoderGone, Policy, Undecodable
from searchsite.library.models import Item, Kind

log = structlog.get_logger()


def run(claims: Sequence[Claim]) -> None:
    """Decode the claims' items, each on its own."""
    for claim in claims:
        try:
            _decode(claim)
        except Fenced as error:
            log.info("late result dropped", reason=str(error))
        except Undecodable as error:
            queue.fail(claim, str(error), permanent=True)
        except DecoderGone as error:
            queue.fail(claim, str(error), permanent=False)
        except FileNotFoundError:
            queue.fail(claim, "The file is missing.", permanent=True)


def _decode(claim: Claim) -> None:
    item = Item.objects.select_related("blob").filter(pk=claim.subject).first()
    decoded = None
    if item is not None and item.blob is not None:
        limits = config.load()
        policy = Policy(limits.max_pixels, sniffing.MAX_SIDE, files.SIZES)
        decoded = decoder.decode(files.original_path(item.blob), policy)
        files.write_derivatives(item.blob, decoded.derivatives)
    _finish(claim, decoded)


@transaction.atomic
def _finish(claim: Claim, decoded: Decoded | None) -> None:
    """Write what was found out, with the jobs that follow; nothing when the item is gone meanwhile."""
    item = Item.objects.select_for_update(of=("self",)).select_related("blob").filter(pk=claim.subject).first()
    queue.finish(claim)
    if item is None or decoded is None:
        return
    items.apply_decoded(item, decoded)
    following = [plan.job(plan.EMBED, item, lane=claim.lane)]
    if plan.reads():
        # Reading is slow: what likely has text goes first, photos when there is nothing else to do.
        reading = Lane.NORMAL if item.kind == Kind.SCREENSHOT else Lane.BULK
        following.append(plan.job(plan.READ, item, lane=reading))
    queue.enqueue(following)

"""The second stage: a reranker reads the first hits against the question, and they are put in its order.

Rules. The first `DEPTH` hits of a question are reordered as one, whichever page is asked for; the rest follow as they
were. A question's first page decides, and the cursor tells the later pages, so that all are cut from one list. Lists by
date, questions of words alone, and those that say what is not wanted are never reordered.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import structlog
from django.db.models import Q
from django.utils.translation import gettext, gettext_noop

from searchsite import config
from searchsite.accounts import meter
from searchsite.indexing import provider
from searchsite.inference import resizing
from searchsite.inference.errors import BadAnswer, InferenceError, OutOfBudget, Overloaded, TooSlow, Unreachable
from searchsite.inference.stages import Endpoint, stages_from
from searchsite.inference.types import EmbedInput, Picture
from searchsite.library import files
from searchsite.library.models import Item, Part, PartRole
from searchsite.library.scope import Scope
from searchsite.search.asking import Resolved
from searchsite.search.fuse import Fused
from searchsite.search.paging import Place
from searchsite.search.questions import Question
from searchsite.search.vectors import Near

log = structlog.get_logger()
CHANNEL = "reranker"
DEPTH = 50
"""Hits that are read; a reranker's time grows with them."""
MOST_CHARS = 2000
ASKED_PIXELS = resizing.Pixels(4 * resizing.FACTOR**2, 256 * resizing.FACTOR**2)
"""Of a picture that is searched with: it is read anew beside each hit."""
REST_SECONDS = 10.0
"""After a reranker was too slow, searches do not wait for it for a while."""
KEPT, KEPT_SECONDS = 256, 600.0
NOT_CONFIGURED = gettext_noop("No reranker is configured; the order is that of the first search.")
FAILED = gettext_noop("the reranker failed")
REASONS: Sequence[tuple[type[InferenceError], str]] = (
    (TooSlow, gettext_noop("the reranker was too slow")),
    (Unreachable, gettext_noop("the reranker can't be reached")),
    (Overloaded, gettext_noop("the reranker is busy")),
    (BadAnswer, gettext_noop("what the reranker answered can't be used")),
)
"""For people; the log has what the server said."""
SPOKEN = (PartRole.CAPTION, PartRole.OCR, PartRole.TAGS)
"""What a reranker that takes texts alone reads of a picture."""


class _Kept:
    """The scores last given, for the next pages of the same question; safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._scores: OrderedDict[bytes, tuple[float, tuple[float, ...]]] = OrderedDict()

    def get(self, key: bytes) -> tuple[float, ...] | None:
        with self._lock:
            until, scores = self._scores.get(key, (0.0, ()))
            return scores if until > time.monotonic() else None

    def put(self, key: bytes, scores: tuple[float, ...]) -> None:
        with self._lock:
            self._scores[key] = (time.monotonic() + KEPT_SECONDS, scores)
            while len(self._scores) > KEPT:
                self._scores.popitem(last=False)


_kept = _Kept()
_resting: dict[str, float] = {}


def wanted(question: Question, place: Place | None) -> bool:
    """Whether this page is cut from a reordered list, as far as the question and its cursor say."""
    if place is not None:
        return place.reranked
    ordered = question.sort == "relevance" and question.mode != "words" and question.rerank is not False
    return ordered and all(term.weight > 0 for term in question.terms)


def reordered(found: Sequence[Fused], question: Question, *, terms: Sequence[Resolved], scope: Scope) -> list[Fused]:
    """What was found, the first of it in the reranker's order; unchanged where none is configured, or none can help.

    Raises an InferenceError; then the order is that of the first search.
    """
    endpoint = stages_from(config.load()).rerank
    query = _query(question, terms, sees=endpoint is not None and sees(endpoint.network))
    if endpoint is None or query is None or len(found) < 2:
        return list(found)
    first, rest = found[:DEPTH], found[DEPTH:]
    documents = _documents(first, scope, sees=sees(endpoint.network))
    read = [one for one in first if one.item_id in documents]
    asked = _Asked(endpoint, query, [documents[one.item_id] for one in read], question.instruction or None)
    scores = _scores(asked, scope)
    judged = sorted(zip(scores, read, strict=True), key=lambda pair: pair[0], reverse=True)
    unread = [one for one in first if one.item_id not in documents]
    return [*(_placed(one, rank, score) for rank, (score, one) in enumerate(judged, start=1)), *unread, *rest]


def note_on(error: InferenceError) -> str:
    """The sentence that a page shows when reordering failed."""
    log.warning("not reranked", error=error.message)
    why = gettext(next((said for kind, said in REASONS if isinstance(error, kind)), FAILED))
    why = error.message.rstrip(".") if isinstance(error, OutOfBudget) else why
    return gettext("Not reranked: %(why)s.") % {"why": why}


def is_configured() -> bool:
    """Whether there is a reranker at all."""
    return stages_from(config.load()).rerank is not None


def sees(network: str) -> bool:
    """Whether a reranker of this name takes pictures."""
    return "-vl-" in network.lower()


def _query(question: Question, terms: Sequence[Resolved], *, sees: bool) -> EmbedInput | None:
    """The question as one input; nothing where the reranker would hear only a part of it."""
    asked = [_readable(term) for term in terms]
    pictures = [one.picture for one in asked if one is not None and one.picture is not None]
    if None in asked or len(pictures) > sees:
        return None
    return EmbedInput(question.words.replace('"', " ").strip() or None, pictures[0] if pictures else None)


def _readable(term: Resolved) -> EmbedInput | None:
    """A text or a picture; an item is its picture, and a note is nothing that could be asked."""
    if term.embed is not None and term.embed.picture is None:
        return term.embed
    picture = term.embed.picture if term.embed is not None else _thumbnail(term.item) if term.item is not None else None
    try:
        return None if picture is None else EmbedInput(picture=resizing.fitted(picture, ASKED_PIXELS))
    except resizing.NoPicture:
        return None


def _documents(first: Sequence[Fused], scope: Scope, *, sees: bool) -> Mapping[int, EmbedInput]:
    """What the reranker reads of each item; of one that is gone meanwhile, nothing."""
    items = Item.objects.visible_to(scope).select_related("blob").in_bulk([one.item_id for one in first])
    matched = {one.part_id for one in first if one.part_id is not None}
    named = Part.objects.filter(item_id__in=items).filter(Q(pk__in=matched) | Q(ordinal=0)).exclude(text="")
    parts: dict[int, list[Part]] = {}
    for part in named.only("item_id", "role", "text"):
        parts.setdefault(part.item_id, []).append(part)
    return {pk: _document(item, parts.get(pk, []), matched, sees=sees) for pk, item in items.items()}


def _document(item: Item, parts: Iterable[Part], matched: set[int], *, sees: bool) -> EmbedInput:
    """A text's best passage, or a picture with the text in it that was found; for who does not see, all its words."""
    best = [part.text for part in parts if part.pk in matched]
    picture = _thumbnail(item) if sees else None
    if picture is not None:
        return EmbedInput("\n".join(best)[:MOST_CHARS] or None, picture)
    if item.is_picture:
        said = [part.text for role in SPOKEN for part in parts if part.role == role]
        return EmbedInput("\n".join([item.title, *said])[:MOST_CHARS])
    opening = [part.text for part in parts if part.role == PartRole.CONTENT]
    return EmbedInput("\n".join(best or [item.title, *opening])[:MOST_CHARS])


def _thumbnail(item: Item) -> Picture | None:
    """The picture at the size of a thumbnail: about 200 tokens, where the whole one has up to 1,800."""
    if item.blob is None or not item.is_picture:
        return None
    try:
        return Picture(files.derivative_path(item.blob, files.THUMBNAIL).read_bytes(), files.DERIVATIVE_TYPE)
    except FileNotFoundError:
        return None


@dataclass(frozen=True)
class _Asked:
    """What a reranker is asked."""

    endpoint: Endpoint
    query: EmbedInput
    documents: Sequence[EmbedInput]
    instruction: str | None

    @property
    def key(self) -> bytes:
        """Under what its scores are kept."""
        digest = hashlib.sha256(f"{self.endpoint.network} {self.endpoint.name} {self.instruction!r}".encode())
        for one in (self.query, *self.documents):
            text = (one.text or "").encode("utf-8", "surrogatepass")
            picture = hashlib.sha256(one.picture.data).digest() if one.picture else b""
            digest.update(b"%d %d " % (len(text), len(picture)) + text + picture)
        return digest.digest()


def _scores(asked: _Asked, scope: Scope) -> tuple[float, ...]:
    scores = _kept.get(asked.key)
    if scores is None:
        scores = _ranked(asked, scope)
        _kept.put(asked.key, scores)
    return scores


def _ranked(asked: _Asked, scope: Scope) -> tuple[float, ...]:
    name, seconds = asked.endpoint.name, config.load().rerank_seconds
    if _resting.get(name, 0.0) > time.monotonic():
        raise TooSlow(f"{name} was too slow a moment ago")
    try:
        with meter.paying([scope.team_id]):
            client = provider.client()
            return client.rerank(asked.query, asked.documents, instruction=asked.instruction, seconds=seconds).scores
    except TooSlow:
        _resting[name] = time.monotonic() + REST_SECONDS
        raise


def _placed(one: Fused, rank: int, score: float) -> Fused:
    """The hit with what the reranker said. Its score is 1 to 2: above all that were not read."""
    said = (rank, CHANNEL, Near(one.item_id, None, one.created_at, score))
    return one._replace(score=1 + score, places=[said, *one.places])

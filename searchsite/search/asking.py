"""Turns a question's terms into one vector. Vectors of what was asked before are kept."""

from __future__ import annotations

import hashlib
import re
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

import numpy as np
from django.utils.translation import gettext as _
from pgvector import HalfVector

from searchsite.indexing import instructions, spaces, tables
from searchsite.indexing.instructions import Aim
from searchsite.indexing.models import Space
from searchsite.inference.errors import BadInput
from searchsite.inference.types import EmbedInput, Picture, Vectors
from searchsite.library import files, pictures
from searchsite.library.models import Channel, Item, Kind, PartRole
from searchsite.library.scope import Scope
from searchsite.search import combining, regions
from searchsite.search.questions import BadQuestion, NotFound, Question, Term
from searchsite.search.regions import Region

KEPT = 2048
SHOWN_SECONDS = 5.0
"""How long a search waits for an embedder to show that it is the one that made the space."""
MOST_PASSAGES = 8
# Where no spaces part words, two letters count as one.
UNPARTED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]{1,2}")
OWN_VECTORS = """
SELECT v.channel, v.vector FROM {table} AS v JOIN part ON part.id = v.part_id
WHERE v.item_id = %s AND part.role = ANY(%s) ORDER BY part.ordinal LIMIT %s
"""
# Where an item's own content has no vectors, as a picture's in a space of texts, what is said of it stands for it.
STANDING_FOR = ([PartRole.CONTENT], [PartRole.CAPTION], [PartRole.OCR, PartRole.TAGS])
# A filter by one kind says what is looked for.
AIMS: Mapping[frozenset[str], Aim] = {
    frozenset({Kind.IMAGE}): "images",
    frozenset({Kind.SCREENSHOT}): "screenshots",
    frozenset({Kind.TEXT}): "passages",
}


@dataclass(frozen=True)
class Resolved:
    """A term with what it names looked up: its item, or what is to be embedded."""

    weight: float
    item: Item | None = None
    embed: EmbedInput | None = None


@dataclass(frozen=True)
class Asked:
    """Something to embed, and what the embedder is told to look for with it."""

    embed: EmbedInput
    instruction: str | None


class _Kept:
    """The vectors last used; safe between threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._vectors: OrderedDict[bytes, Vectors] = OrderedDict()

    def get(self, key: bytes) -> Vectors | None:
        with self._lock:
            if key not in self._vectors:
                return None
            self._vectors.move_to_end(key)
            return self._vectors[key]

    def put(self, key: bytes, vector: Vectors) -> None:
        with self._lock:
            self._vectors[key] = vector
            self._vectors.move_to_end(key)
            while len(self._vectors) > self._most:
                self._vectors.popitem(last=False)


_kept = _Kept(KEPT)


def resolve(terms: Sequence[Term], scope: Scope) -> list[Resolved]:
    """Look up what the terms name. Raises NotFound for what is not there for this person."""
    return [found for term in terms if (found := _resolve(term, scope)) is not None]


def seeable(terms: Sequence[Resolved], space: Space) -> list[Resolved]:
    """The terms without the pictures, where the space's embedder takes texts only."""
    return [term for term in terms if space.takes_pictures or term.embed is None or term.embed.picture is None]


def is_pictured(terms: Sequence[Resolved]) -> bool:
    """Whether pictures are what hits are to be near to, with or without words."""
    near = [term for term in terms if term.weight > 0]
    items = any(term.item is not None and term.item.is_picture for term in near)
    return items or any(term.embed is not None and term.embed.picture is not None for term in near)


def is_short(terms: Sequence[Resolved]) -> bool:
    """Whether what hits are to be near to is said in a single word."""
    near = [term.embed.text if term.embed is not None else None for term in terms if term.weight > 0]
    return bool(near) and all(near) and sum(_words_in(text or "") for text in near) == 1


def vector_of(terms: Sequence[Resolved], space: Space, question: Question) -> Vectors | None:
    """The one direction that the terms ask for, by the rule of `combining`; None when an item has no vectors yet.

    Raises an InferenceError when something new is to be embedded and the server can't.
    """
    joined = _joined(terms, space)
    new = [term.embed for term in joined if term.embed is not None]
    remaining = iter(_embed(space, [Asked(one, instruction_for(one, space, question)) for one in new]))
    weighed: list[combining.Weighed] = []
    for term in joined:
        vector = next(remaining) if term.embed is not None else _own_vector(space, term.item)
        if vector is None:
            return None
        weighed.append((term.weight, vector))
    found = combining.direction(weighed)
    if found is None:
        raise BadQuestion(_("The terms of this question cancel each other out."))
    return found


def _words_in(text: str) -> int:
    return len(UNPARTED.sub(" x ", text).split())


def _resolve(term: Term, scope: Scope) -> Resolved | None:
    if term.item is not None:
        item = Item.objects.visible_to(scope).select_related("blob").filter(public_id=term.item).first()
        if item is None:
            raise NotFound(_("There is no such item."))
        return Resolved(term.weight, item, None if term.region is None else _part_of(item, term.region))
    if term.picture is not None:
        return Resolved(term.weight, embed=_query_picture(term.picture, term.region, scope))
    # What is not to be found is looked for as it is written; else conditions are left out, and quotes as marks.
    said = term.text if term.weight < 0 else term.said
    return Resolved(term.weight, embed=EmbedInput(text=said)) if said else None


def _part_of(item: Item, region: Region) -> EmbedInput:
    """What is seen in a part of an item's picture."""
    if item.blob is None or item.width is None:
        raise BadQuestion(_("Only a picture has parts to search by."))
    try:
        return EmbedInput(picture=regions.cut(files.view_path(item.blob).read_bytes(), region))
    except OSError as error:
        raise NotFound(_("The item's picture can't be read.")) from error


def _query_picture(public_id: UUID, region: Region | None, scope: Scope) -> EmbedInput:
    picture = pictures.find(public_id, scope)
    try:
        if picture is not None:
            data = pictures.read(picture)
            whole = Picture(data, files.DERIVATIVE_TYPE)
            return EmbedInput(picture=whole if region is None else regions.cut(data, region))
    except FileNotFoundError:
        pass
    raise NotFound(_("The picture to search by is not there any more, or it is another person's."))


def _joined(terms: Sequence[Resolved], space: Space) -> Sequence[Resolved]:
    """Words and pictures that are wanted alike are one input: an embedder that takes both sees them together.

    It takes one picture at a time, so each of several goes with all the words. What is not wanted, or weighs more or
    less than the rest, stays by itself.
    """
    texts = [term for term in terms if term.weight > 0 and term.embed is not None and term.embed.picture is None]
    if not texts or not space.takes_pictures:
        return terms
    seen = {id(term): picture for term in terms if (picture := _seen_with_words(term, space)) is not None}
    pictures = [term for term in terms if id(term) in seen]
    if not pictures or len({term.weight for term in (*texts, *pictures)}) > 1:
        return terms
    words = ", ".join(term.embed.text for term in texts if term.embed is not None and term.embed.text)
    together = [replace(term, item=None, embed=EmbedInput(words, seen[id(term)])) for term in pictures]
    taken = {id(term) for term in (*texts, *pictures)}
    return [*together, *(term for term in terms if id(term) not in taken)]


def _seen_with_words(term: Resolved, space: Space) -> Picture | None:
    """The picture of what is wanted. An item's costs a call where its own vector would cost none: only those who are
    told what to look for make more of both together than the sum of the two.
    """
    if term.weight < 0:
        return None
    if term.embed is not None or term.item is None:
        return term.embed.picture if term.embed is not None else None
    if term.item.blob is None or term.item.width is None or not instructions.are_taken(space):
        return None
    try:
        return Picture(files.view_path(term.item.blob).read_bytes(), files.DERIVATIVE_TYPE)
    except OSError:
        return None


def _embed(space: Space, asked: Sequence[Asked]) -> list[Vectors]:
    """Vectors of what is asked, in order; at most one call an instruction, for those that are not kept."""
    keys = [_key(space, one) for one in asked]
    found = {key: vector for key in keys if (vector := _kept.get(key)) is not None}
    missing = {key: one for key, one in zip(keys, asked, strict=True) if key not in found}
    for instruction in dict.fromkeys(one.instruction for one in missing.values()):
        alike = {key: one.embed for key, one in missing.items() if one.instruction == instruction}
        try:
            embedder = spaces.embedder_of(space, seconds=SHOWN_SECONDS)
            answer = embedder.embed(list(alike.values()), purpose="query", instruction=instruction)
        except BadInput as error:
            raise BadQuestion(_("The embedder can't take this question: %(why)s") % {"why": error.message}) from error
        found |= dict(zip(alike, answer.vectors, strict=True))
        for key in alike:
            _kept.put(key, found[key])
    return [found[key] for key in keys]


def instruction_for(embed: EmbedInput, space: Space, question: Question) -> str | None:
    """What the embedder is told to look for: what the person says, else what fits the input and the filter by kind."""
    if not instructions.are_taken(space):
        return None
    return question.instruction or instructions.of(space, _aim(embed, question.kinds))


def _aim(embed: EmbedInput, kinds: Sequence[str]) -> Aim:
    if embed.picture is not None:
        return "composed" if embed.text else "similar"
    return AIMS.get(frozenset(kinds), "general")


def _key(space: Space, one: Asked) -> bytes:
    said = f"{space.pk} {space.url} {one.instruction!r} {one.embed.text!r} "
    digest = hashlib.sha256(said.encode("utf-8", "surrogatepass"))
    digest.update(one.embed.picture.data if one.embed.picture else b"")
    return digest.digest()


def _own_vector(space: Space, item: Item | None) -> Vectors | None:
    """An item's own direction: its picture's, or the mean of its first passages', or of what is said of it."""
    if item is None:
        return None
    own: list[tuple[str, HalfVector]] = []
    for roles in STANDING_FOR:
        with tables.cursor() as cursor:
            values = [item.pk, [str(role) for role in roles], MOST_PASSAGES]
            own = cursor.execute(tables.query(OWN_VECTORS, space.pk), values, binary=True).fetchall()
        if own:
            break
    pictures = [vector for channel, vector in own if channel == Channel.IMAGE]
    chosen = pictures or [vector for _, vector in own]
    if not chosen:
        return None
    mean: Vectors = np.mean([vector.to_numpy().astype(np.float32) for vector in chosen], axis=0, dtype=np.float32)
    return mean / np.float32(max(float(np.linalg.norm(mean)), 1e-6))

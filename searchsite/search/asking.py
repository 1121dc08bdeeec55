"""Turns a question's terms into one vector. Vectors of what was asked before are kept."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np

from searchsite.indexing import spaces, tables
from searchsite.indexing.models import Space
from searchsite.inference.errors import BadInput
from searchsite.inference.types import EmbedInput, Picture, Vectors
from searchsite.library import files, pictures
from searchsite.library.models import Channel, Item, PartRole
from searchsite.library.scope import Scope
from searchsite.search.questions import BadQuestion, NotFound, Term

KEPT = 2048
MOST_PASSAGES = 8
OWN_VECTORS = """
SELECT v.channel, v.vector FROM {table} AS v JOIN part ON part.id = v.part_id
WHERE v.item_id = %s AND part.role = %s ORDER BY part.ordinal LIMIT %s
"""


@dataclass(frozen=True)
class Resolved:
    """A term with what it names looked up: its item, or what is to be embedded."""

    weight: float
    item: Item | None = None
    embed: EmbedInput | None = None


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
    return [_resolve(term, scope) for term in terms]


def vector_of(terms: Sequence[Resolved], space: Space) -> Vectors | None:
    """The one direction that the terms ask for; None when an item in it has no vectors yet.

    Raises an InferenceError when something new is to be embedded and the server can't.
    """
    joined = _joined(terms, space)
    remaining = iter(_embed(space, [term.embed for term in joined if term.embed is not None]))
    total = np.zeros(space.dimensions, dtype=np.float32)
    for term in joined:
        vector = next(remaining) if term.embed is not None else _own_vector(space, term.item)
        if vector is None:
            return None
        total += np.float32(term.weight) * vector
    length = float(np.linalg.norm(total))
    if length < 1e-6:
        raise BadQuestion("The terms of this question cancel each other out.")
    return total / np.float32(length)


def _resolve(term: Term, scope: Scope) -> Resolved:
    if term.item is not None:
        item = Item.objects.visible_to(scope).filter(public_id=term.item).first()
        if item is None:
            raise NotFound("There is no such item.")
        return Resolved(term.weight, item=item)
    if term.picture is not None:
        return Resolved(term.weight, embed=_query_picture(term.picture, scope))
    return Resolved(term.weight, embed=EmbedInput(text=term.text))


def _query_picture(public_id: UUID, scope: Scope) -> EmbedInput:
    picture = pictures.find(public_id, scope)
    try:
        if picture is not None:
            return EmbedInput(picture=Picture(pictures.read(picture), files.DERIVATIVE_TYPE))
    except FileNotFoundError:
        pass
    raise NotFound("The picture to search by is not there any more.")


def _joined(terms: Sequence[Resolved], space: Space) -> Sequence[Resolved]:
    """One text and one picture of the same weight are one input: an embedder that takes both sees them together."""
    inputs = [term.embed for term in terms if term.embed is not None]
    if len(inputs) != 2 or len(terms) != 2 or terms[0].weight != terms[1].weight or not space.takes_pictures:
        return terms
    text = next((one.text for one in inputs if one.text), None)
    picture = next((one.picture for one in inputs if one.picture), None)
    if text is None or picture is None:
        return terms
    return [Resolved(terms[0].weight, embed=EmbedInput(text, picture))]


def _embed(space: Space, inputs: Sequence[EmbedInput]) -> list[Vectors]:
    """Vectors of the inputs, in order; at most one call, for those that are not kept."""
    instruction = space.instructions.get("query")
    keys = [_key(space, instruction, one) for one in inputs]
    found = {key: vector for key in keys if (vector := _kept.get(key)) is not None}
    missing = {key: one for key, one in zip(keys, inputs, strict=True) if key not in found}
    if missing:
        try:
            answer = spaces.embedder_of(space).embed(list(missing.values()), purpose="query", instruction=instruction)
        except BadInput as error:
            raise BadQuestion(f"The embedder can't take this question: {error.message}") from error
        found |= dict(zip(missing, answer.vectors, strict=True))
        for key in missing:
            _kept.put(key, found[key])
    return [found[key] for key in keys]


def _key(space: Space, instruction: str | None, one: EmbedInput) -> bytes:
    digest = hashlib.sha256(f"{space.pk} {instruction!r} {one.text!r} ".encode("utf-8", "surrogatepass"))
    digest.update(one.picture.data if one.picture else b"")
    return digest.digest()


def _own_vector(space: Space, item: Item | None) -> Vectors | None:
    """An item's own direction: its picture's, or the mean of its first passages'."""
    if item is None:
        return None
    with tables.cursor() as cursor:
        own = cursor.execute(
            tables.query(OWN_VECTORS, space.pk), [item.pk, PartRole.CONTENT, MOST_PASSAGES], binary=True
        ).fetchall()
    pictures = [vector for channel, vector in own if channel == Channel.IMAGE]
    chosen = pictures or [vector for _, vector in own]
    if not chosen:
        return None
    mean: Vectors = np.mean([vector.to_numpy().astype(np.float32) for vector in chosen], axis=0, dtype=np.float32)
    return mean / np.float32(max(float(np.linalg.norm(mean)), 1e-6))

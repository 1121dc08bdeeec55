"""The one way to a network: typed calls over the wire to whatever serves each stage."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Literal, TypeVar

import numpy as np

from searchsite.inference import asking, calling, embedding, knowing, metering, offers
from searchsite.inference.answering import Answer
from searchsite.inference.breaker import Breaker, Gate
from searchsite.inference.calling import ONCE, PATIENT, Exchange
from searchsite.inference.dialects.base import ChatTask, EmbedTask, Reply, Spent
from searchsite.inference.embedding import Batch, Call
from searchsite.inference.errors import BadAnswer, BadInput, InferenceError, NotOffered, Refused
from searchsite.inference.knowing import Knowledge
from searchsite.inference.metering import Free, Meter
from searchsite.inference.stages import Endpoint, Stages
from searchsite.inference.types import (
    DOERS,
    EmbedderInfo,
    Embeddings,
    EmbedInput,
    Picture,
    Piece,
    Purpose,
    Ranking,
    Reading,
    Stage,
    Usage,
    Vectors,
)

__all__ = ["Client", "Endpoint", "Stages"]

Result = TypeVar("Result")
Talk = Literal["caption", "answer"]
SECONDS: dict[Purpose, float] = {"query": 10.0, "document": 60.0}
"""How long `embed` may take from call to return."""
READ_SECONDS = 120.0
"""How long one picture's reading may take."""
AT_ONCE = 4
"""Requests of one call to `embed` on their way at the same time."""


class Client:
    """Calls the networks of all stages. Thread-safe; make it after forking, one a process.

    meter: asked before calls that may cost something, and told of all. gate: what keeps calls from a server that is
    away; one for several clients of a process makes them know the same.
    """

    def __init__(self, stages: Stages, *, meter: Meter | None = None, gate: Gate | None = None) -> None:
        self.stages = stages
        self._meter: Meter = Free() if meter is None else meter
        self._threads = ThreadPoolExecutor(AT_ONCE, "inference")
        every = (stages.embed, stages.read, stages.caption, stages.rerank, stages.answer)
        self._lines = calling.lines(every, Breaker() if gate is None else gate)
        self._embedder = Knowledge(self._lines[stages.embed])

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({self.stages.embed.network} at {self.stages.embed.name})"

    def info(self) -> EmbedderInfo:
        """What the embedder is and can do; asked anew once a minute."""
        return self._embedder.get(time.monotonic() + SECONDS["query"]).info

    def whole(self) -> tuple[int, bool]:
        """How long the embedder's vectors are before they are cut, and whether its server can cut them."""
        known = self._embedder.get(time.monotonic() + SECONDS["query"])
        return known.full, known.cuts

    def reads(self) -> bool:
        """Whether there is a reader, and its server says that it reads."""
        endpoint = self.stages.read
        if endpoint is None:
            return False
        if replace(endpoint, dimensions=None) == replace(self.stages.embed, dimensions=None):
            return self.info().reads
        return knowing.reads(self._lines[endpoint], time.monotonic() + SECONDS["query"])

    def networks(self, stage: Stage) -> list[str]:
        """The names in the list of a stage's server; empty where it has no list."""
        endpoint = self._endpoint(stage)
        line = self._lines[endpoint]
        request = line.dialect.catalogue(embedding=stage == "embed")
        if request is None:
            return []
        exchange = Exchange(request, line.dialect.networks, offers.LIST_BYTES)
        return line.ask(exchange, end=time.monotonic() + SECONDS["query"], patience=PATIENT)

    def embed(
        self,
        inputs: Sequence[EmbedInput],
        *,
        purpose: Purpose,
        instruction: str | None = None,
        seconds: float | None = None,
    ) -> Embeddings:
        """A unit vector for each input, in order. Any failure raises an `InferenceError`, which has what came.

        seconds: how long it may take, where that is not as long as is usual for the purpose.
        """
        start = time.monotonic()
        end = start + (SECONDS[purpose] if seconds is None else seconds)
        endpoint = self.stages.embed
        self._admit("query" if purpose == "query" else "embed", endpoint)
        known = self._embedder.get(end)
        ready = [embedding.usable(entry, place, known) for place, entry in enumerate(inputs)]
        task = EmbedTask(known.offer, purpose, instruction, known.asked)
        batches = embedding.batches(ready, known.offer, self._lines[endpoint].dialect)
        done: list[tuple[Sequence[EmbedInput], Spent]] = []
        try:
            made = self._made(batches, Call(task, known, end), done)
        finally:
            # What came before another request failed is paid for all the same.
            usage = metering.usage_of_batches(endpoint, purpose, done, time.monotonic() - start)
            usage = replace(usage, failed=usage.inputs < len(inputs))
            if done or not batches:
                self._meter.record(usage)
        vectors = np.array([made[place] for place in range(len(inputs))], np.float32)
        return Embeddings(vectors.reshape(len(inputs), known.info.dimensions), usage)

    def read(self, pictures: Sequence[Picture], *, text: bool = True) -> list[Reading]:
        """What each picture shows: its text and tags, in order; without `text` the tags alone, far quicker."""
        endpoint = self._endpoint("read")
        self._admit("read", endpoint)
        if not self.reads():
            raise Refused(f"{endpoint.network} does not read pictures")
        start = time.monotonic()
        found = [self._read(endpoint, picture, place, text) for place, picture in enumerate(pictures)]
        usage = metering.usage_of("read", endpoint, Spent(), time.monotonic() - start)
        self._meter.record(replace(usage, calls=len(found), inputs=len(found), pictures=len(found)))
        return found

    def rerank(
        self, query: EmbedInput, documents: Sequence[EmbedInput], *, instruction: str | None = None, seconds: float
    ) -> Ranking:
        """How relevant each document is to the query, 0..1, in the order of the documents."""
        endpoint = self._endpoint("rerank")
        line = self._lines[endpoint]
        self._admit("rerank", endpoint)
        start = time.monotonic()
        asked = [embedding.sendable(entry, place) for place, entry in enumerate([query, *documents])]
        exchange = asking.ranking(line, asked[0], asked[1:], instruction or asking.RELEVANT)
        if not documents:
            return Ranking((), replace(metering.usage_of("rerank", endpoint, Spent(), 0), calls=0, inputs=0))
        proof = asking.ranking(line, offers.WORD, [offers.WORD], asking.RELEVANT)
        pictures = sum(entry.picture is not None for entry in asked)

        def usage(spent: Spent) -> Usage:
            whole = metering.usage_of("rerank", endpoint, spent, time.monotonic() - start)
            return replace(whole, inputs=len(documents), pictures=pictures)

        try:
            with metering.telling(self._meter, usage):
                scores, spent = line.ask(exchange, end=start + seconds, patience=PATIENT, proof=proof)
        except Refused as error:
            raise self._explained("rerank", error, start + seconds) from error
        used = usage(spent)
        self._meter.record(used)
        return Ranking(scores, used)

    def chat(self, stage: Talk, task: ChatTask, *, seconds: float) -> Reply:
        """The whole answer to a conversation."""
        endpoint = self._endpoint(stage)
        line = self._lines[endpoint]
        self._admit(stage, endpoint)
        start = time.monotonic()
        task = asking.sendable(task, endpoint, stream=False)
        exchange = Exchange(line.dialect.chat(task), line.dialect.reply, asking.ANSWER_BYTES)
        patience = PATIENT if stage == "answer" else ONCE

        def usage(spent: Spent) -> Usage:
            return metering.usage_of_talk(stage, endpoint, task, spent, time.monotonic() - start)

        try:
            with metering.telling(self._meter, usage):
                reply = line.ask(exchange, end=start + seconds, patience=patience, proof=asking.greeting(line, stage))
        except Refused as error:
            raise self._explained(stage, error, start + seconds) from error
        self._meter.record(usage(reply.spent))
        return reply

    @contextmanager
    def stream(self, stage: Talk, task: ChatTask, *, seconds: float) -> Iterator[Iterator[Piece]]:
        """The pieces of an answer as they come. Leaving the block ends the connection at once.

        It is booked as an answer, whichever stage's network writes it.
        """
        endpoint = self._endpoint(stage)
        line = self._lines[endpoint]
        self._admit("answer", endpoint)
        start = time.monotonic()
        task = asking.sendable(task, endpoint, stream=True)
        request, proof = line.dialect.chat(task), asking.greeting(line, stage)

        def usage(spent: Spent) -> Usage:
            return metering.usage_of_talk("answer", endpoint, task, spent, time.monotonic() - start)

        answer = Answer(line, task, usage)
        with line.stream(request, end=start + seconds, most=asking.ANSWER_BYTES, proof=proof) as events:
            try:
                yield answer.pieces(events)
            finally:
                self._meter.record(replace(usage(answer.spent), failed=not answer.whole))

    def close(self) -> None:
        """Close connections and threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for line in self._lines.values():
            line.close()

    def _endpoint(self, stage: Stage) -> Endpoint:
        endpoint: Endpoint | None = getattr(self.stages, stage)
        if endpoint is None:
            raise Refused(f"no {DOERS[stage]} is configured")
        return endpoint

    def _admit(self, operation: str, endpoint: Endpoint) -> None:
        if not endpoint.is_local:
            self._meter.admit(operation, endpoint)

    def _made(
        self, batches: Sequence[Batch], call: Call, done: list[tuple[Sequence[EmbedInput], Spent]]
    ) -> dict[int, Vectors]:
        """The vectors by their inputs' places. What is to be paid for goes to `done`, whatever becomes of the rest."""
        made: dict[int, Vectors] = {}

        def work(batch: Batch) -> None:
            try:
                rows, spent = self._vectors(batch, call)
            except InferenceError as error:
                done.extend(((), spent) for spent in metering.paid_for(error))
                raise
            made.update(zip(batch.places, rows, strict=True))
            done.append((batch.inputs, spent))

        with embedding.keeping(made):
            self._all([partial(work, batch) for batch in batches])
        return made

    def _vectors(self, batch: Batch, call: Call) -> tuple[Vectors, Spent]:
        line, task, known = self._lines[self.stages.embed], call.task, call.known
        count = len(batch.places)
        most = offers.vector_bytes(count, known.full)
        exchange = Exchange(line.dialect.embed(task, batch.inputs), lambda one: line.dialect.vectors(one, count), most)
        patience = PATIENT if task.purpose == "query" else ONCE
        try:
            vectors, spent = line.ask(exchange, end=call.end, patience=patience, proof=offers.proof(line, known))
            return known.cut(vectors), spent
        except BadInput as error:
            raise batch.placed(error) from error
        except (BadAnswer, NotOffered):
            self._embedder.doubt()
            raise

    def _read(self, endpoint: Endpoint, picture: Picture, place: int, text: bool) -> Reading:
        line = self._lines[endpoint]
        request = line.dialect.read(endpoint.network, picture, text=text)
        exchange = Exchange(request, lambda answer: line.dialect.readings(answer, 1)[0], asking.ANSWER_BYTES)
        try:
            return line.ask(exchange, end=time.monotonic() + READ_SECONDS, proof=asking.glance(line))
        except BadInput as error:
            raise Batch((place,), ()).placed(error) from error

    def _all(self, works: Sequence[Callable[[], None]]) -> None:
        """Do all; a single request goes out from the caller's own thread, waiting for nobody."""
        if len(works) == 1:
            return works[0]()
        futures = [self._threads.submit(work) for work in works]
        try:
            for future in futures:
                future.result()
        finally:
            # Those on their way come to their end within the deadline, and are paid for.
            wait([future for future in futures if not future.cancel()])

    def _explained(self, stage: Stage, error: Refused, end: float) -> Refused:
        """The refusal, or that the network is not in the server's list, which says more."""
        if isinstance(error, BadInput) or end - time.monotonic() < 1:
            return error
        line = self._lines[self._endpoint(stage)]
        return offers.missing(line, end=end) or error

"""One trial a stage: a few calls with a known right answer, and a row for each thing that they show."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from searchsite.inference import captioning, probes
from searchsite.inference.client import Client
from searchsite.inference.dialects.base import ChatTask
from searchsite.inference.errors import InferenceError, NotOffered
from searchsite.inference.probes import Family, Probe
from searchsite.inference.remedies import mending
from searchsite.inference.stages import Endpoint
from searchsite.inference.types import EmbedInput, Message, Stage

Outcome = Literal["pass", "warn", "fail"]
SLOW: Mapping[Stage, float] = {"embed": 2.0, "read": 20.0, "caption": 30.0, "rerank": 2.0, "answer": 5.0}
"""Seconds of one call that are worth a word; of an answer, until it begins."""
MOST_NAMED = 12
RERANK_SECONDS, ANSWER_SECONDS = 30.0, 60.0
ANSWER_TOKENS = 200
ASKED = (
    "Answer in one short sentence, out of the source alone.\n\n[1] The spare key hangs behind the blue door of the boat"
    " house.\n\nWhere is the spare key?"
)


@dataclass(frozen=True)
class Row:
    """One thing that was looked at, what was found, and what to do about it where it is not right.

    error: what kept the rest from being looked at.
    """

    stage: Stage
    subject: str
    outcome: Outcome
    found: str
    advice: str = ""
    error: InferenceError | None = field(default=None, compare=False, repr=False)


def offered(client: Client, stage: Stage, endpoint: Endpoint) -> Iterator[Row]:
    """The server answers, and has the network. Raises NotOffered with what it has."""
    start = time.monotonic()
    names = client.networks(stage)
    yield Row(stage, "reachable", "pass", f"{endpoint.name} in {time.monotonic() - start:.2f} s")
    if names and endpoint.network not in names:
        shown = ", ".join(sorted(names)[:MOST_NAMED]) + ", ..." * (len(names) > MOST_NAMED)
        raise NotOffered(f"{endpoint.name} has no {endpoint.network!r}; it offers {shown}")
    yield Row(stage, "offered", "pass", endpoint.network if names else f"{endpoint.network} (there is no list)")


def embedder(client: Client, endpoint: Endpoint) -> Iterator[Row]:
    """Vectors are steady, of length one, and tell what is related from what is not."""
    family = probes.family_of(endpoint.network)
    info = client.info()
    pictures = "image" in info.modalities
    yield Row("embed", "dimensions", "pass", _dimensions(info.dimensions, *client.whole()))
    if not pictures:
        yield _textual(family, endpoint)
    given = probes.documents(family, pictures=pictures)
    made = client.embed(given, purpose="document")
    alone, again = (client.embed(given[:1], purpose="document").vectors[0] for _ in range(2))
    start = time.monotonic()
    asked = client.embed(probes.questions(family), purpose="query")
    seconds = time.monotonic() - start
    found = [
        probes.norms(made.vectors),
        probes.steady(alone, again),
        probes.in_order(alone, made.vectors[0], made.vectors[1]),
        probes.related(family, made.vectors, asked.vectors),
    ]
    found += probes.seen(family, made.vectors, asked.vectors) if pictures else []
    if family.heeds:
        other = client.embed(probes.questions(family)[:1], purpose="query", instruction=probes.OTHER_INSTRUCTION)
        found.append(probes.heeded(asked.vectors[0], other.vectors[0]))
    yield from (_judged(probe, endpoint) for probe in found)
    yield from _costs("embed", endpoint, asked.usage.tokens, seconds)


def reader(client: Client, endpoint: Endpoint) -> Iterator[Row]:
    """The text on a drawn sign is read."""
    start = time.monotonic()
    reading = client.read([probes.sign()])[0]
    seconds = time.monotonic() - start
    yield _read("read", reading.text)
    yield _latency("read", seconds)


def captioner(client: Client, endpoint: Endpoint) -> Iterator[Row]:
    """A drawn sign is described as the JSON that was asked for, and its text is read."""
    start = time.monotonic()
    caption = captioning.describe(client, probes.sign())
    seconds = time.monotonic() - start
    advice = "" if caption.complete else "Captions will be plain sentences, without tags and text: try another network."
    yield Row("caption", "JSON", "pass" if caption.complete else "fail", caption.caption[:60], advice)
    yield _read("caption", f"{caption.text} {caption.caption}")
    yield _latency("caption", seconds)


def reranker(client: Client, endpoint: Endpoint) -> Iterator[Row]:
    """What answers a question is put before what does not."""
    question, _, document = probes.CAPITAL
    documents = [EmbedInput(text=probes.BEACH[2]), EmbedInput(text=document)]
    start = time.monotonic()
    ranking = client.rerank(EmbedInput(text=question), documents, seconds=RERANK_SECONDS)
    seconds = time.monotonic() - start
    unrelated, related = ranking.scores
    advice = "" if related > unrelated else "Its template is not the network's: docs/models.md names the file to use."
    yield Row("rerank", "order", "fail" if advice else "pass", f"{related:.2f} against {unrelated:.2f}", advice)
    yield from _costs("rerank", endpoint, ranking.usage.tokens, seconds)


def answerer(client: Client, endpoint: Endpoint) -> Iterator[Row]:
    """An answer comes in pieces, says something, and ends by saying that it ends."""
    task = ChatTask("", [Message("user", ASKED)], most_tokens=ANSWER_TOKENS, thinking=False, stream=True)
    text, finish, first = "", None, None
    pieces, usage, start = 0, None, time.monotonic()
    with client.stream("answer", task, seconds=ANSWER_SECONDS) as stream:
        for piece in stream:
            text, pieces = text + piece.text, pieces + bool(piece.text)
            first = time.monotonic() - start if first is None and piece.text else first
            finish, usage = piece.finish or finish, piece.usage or usage
    said = " ".join(text.split())
    yield Row("answer", "streams", "pass" if said else "fail", f"{pieces} pieces: {said[:60]}", "" if said else SILENT)
    advice = "" if finish == "stop" else f"It ended with {finish!r} after {ANSWER_TOKENS} tokens: does it still think?"
    yield Row("answer", "ends", "pass" if finish == "stop" else "warn", str(finish), advice)
    yield from _costs("answer", endpoint, usage.tokens if usage else 0, first or time.monotonic() - start)


SILENT = "It said nothing: it may think without end, or need a reasoning parser (docs/models.md)."


def _dimensions(kept: int, full: int, cuts: bool) -> str:
    if kept == full:
        return f"{full}, all kept"
    return f"{kept} of {full} kept, cut {'by the server' if cuts else 'here'}"


def _textual(family: Family, endpoint: Endpoint) -> Row:
    """A network that sees must be given pictures; of others it is no fault."""
    if family.picture is not None:
        return Row("embed", "takes pictures", "fail", "texts only", mending("takes pictures", endpoint))
    return Row("embed", "takes pictures", "pass", "texts only: pictures are found through their words")


def _judged(probe: Probe, endpoint: Endpoint) -> Row:
    if probe.right:
        return Row("embed", probe.subject, "pass", probe.found)
    return Row("embed", probe.subject, "fail", probe.found, mending(probe.subject, endpoint))


def _read(stage: Stage, text: str) -> Row:
    seen = [word for word in probes.SIGN_WORDS if word in text.upper()]
    if len(seen) == len(probes.SIGN_WORDS):
        return Row(stage, "reads text", "pass", " ".join(seen))
    found = f"{' '.join(seen) or 'nothing'} of a sign that says {' '.join(probes.SIGN_WORDS)}"
    return Row(stage, "reads text", "warn", found, "Text in pictures will be found badly.")


def _costs(stage: Stage, endpoint: Endpoint, tokens: int, seconds: float) -> Iterator[Row]:
    """What the call took; a provider that bills by tokens must count them."""
    if not endpoint.is_local:
        advice = "" if tokens else "It does not say what a call costs: budgets cannot hold it."
        yield Row(stage, "usage", "pass" if tokens else "warn", f"{tokens} tokens", advice)
    yield _latency(stage, seconds)


def _latency(stage: Stage, seconds: float) -> Row:
    slow = seconds > SLOW[stage]
    return Row(stage, "latency", "warn" if slow else "pass", f"{seconds:.2f} s", "That is slow." if slow else "")

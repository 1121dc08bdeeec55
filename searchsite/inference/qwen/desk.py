"""Where the server's requests for Qwen3 networks are answered."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from searchsite.inference import wire
from searchsite.inference.dialects.thinking import Splitter
from searchsite.inference.errors import BadInput, Refused
from searchsite.inference.local import Local
from searchsite.inference.qwen import checkpoint, conversations, device
from searchsite.inference.qwen.network import Network
from searchsite.inference.qwen.rows import CHAT_SMALLEST, Cut, Row
from searchsite.inference.qwen.served import Job, Served, shortened
from searchsite.inference.qwen.talking import Said, Sampling, Talk, json_in
from searchsite.inference.qwen.wire import ChatRequest, RerankRequest, TokenizeRequest
from searchsite.inference.types import Stage, Vectors

Gone = Callable[[], bool]
Json = dict[str, Any]
EMBED_TOKENS, RERANK_TOKENS, CHAT_TOKENS = 8_192, 10_240, 32_768
NEW_TOKENS = 1_024
LISTEN_SECONDS = 0.5
SPEAKING: frozenset[Stage] = frozenset({"caption", "rerank", "answer"})
ANSWERING: frozenset[Stage] = frozenset({"caption", "answer"})


class Desk:
    """The Qwen3 networks of this server, by name. Thread-safe."""

    def __init__(self, local: Local) -> None:
        place = device.choose(local.device, local.dtype)
        self.served: dict[str, Served] = {}
        self.stages = dict(local.networks)
        for name, stages in local.networks:
            found = checkpoint.find(name, download=local.download)
            self.served[name] = Served(Network(found, place, speaks=bool(stages & SPEAKING)))

    def stop(self, seconds: float) -> bool:
        """Let running batches finish for some seconds; answers whether they did."""
        stopped = [one.lane.stop(seconds) for one in self.served.values()]
        return all(stopped)

    def entries(self) -> list[Json]:
        """The networks as `/v1/models` lists them."""
        return [self._entry(name, one.network) for name, one in self.served.items()]

    def embed(self, request: wire.EmbeddingsRequest, gone: Gone) -> tuple[Vectors, int]:
        """Unit vectors of the inputs, and how many tokens were read."""
        served = self.served[request.model or ""]
        full = served.network.dimensions
        dimensions = request.dimensions or full
        if dimensions > full:
            raise BadInput(f"{request.model} has {full} dimensions; {dimensions} were asked for")
        jobs = [Job("embed", row, place) for place, row in enumerate(self._embed_rows(served, request))]
        found = served.lane.run(jobs, bulk=request.priority > 0, gone=gone)
        return np.stack([shortened(one, dimensions) for one in found]), sum(len(job.row) for job in jobs)

    def rerank(self, request: RerankRequest, gone: Gone) -> tuple[list[float], int]:
        """How relevant each document is to the query, and how many tokens were read."""
        served = self._able(request.model, frozenset({"rerank"}), "rerank")
        jobs = [
            Job("judge", wire.blame(place, partial(self._rank_row, served, request, document)), place)
            for place, document in enumerate(request.documents)
        ]
        found = served.lane.run(jobs, bulk=request.priority > 0, gone=gone)
        return found, sum(len(job.row) for job in jobs)

    def talk(self, request: ChatRequest) -> Talk:
        """A conversation, ready to be gone on with."""
        served = self._able(request.model, ANSWERING, "chat")
        scribe, kind = served.network.scribe, served.network.checkpoint.kind
        turns, pictures = conversations.turns(request.messages, _form(request), kind)
        thinking = request.chat_template_kwargs.enable_thinking
        prompt = _templated(scribe.tokenizer, turns, {} if thinking is None else {"enable_thinking": thinking})
        seen = [scribe.pixels(one, CHAT_SMALLEST) for one in conversations.opened(pictures)]
        ids = scribe.ids(prompt)
        row = scribe.expanded(ids, seen, Cut(CHAT_TOKENS, len(ids)))
        if len(row) > CHAT_TOKENS:
            raise BadInput(f"the conversation has {len(row)} tokens; {CHAT_TOKENS} are the most")
        talk = Talk(
            row,
            request.max_completion_tokens or request.max_tokens or NEW_TOKENS,
            Sampling(request.temperature, request.top_p, request.top_k),
            as_json=request.response_format is not None and request.response_format.type != "text",
        )
        if prompt.rstrip().endswith("<think>"):
            talk.pieces.put("<think>")
        return talk

    def whole(self, request: ChatRequest, talk: Talk, gone: Gone) -> tuple[Said, str]:
        """The whole answer, and what was thought before it."""
        text = thought = ""
        said = Said("", "", 0)
        for piece in self.stream(request, talk, gone):
            if isinstance(piece, Said):
                said = piece
            else:
                text, thought = text + piece[0], thought + piece[1]
        return Said(json_in(text) if talk.as_json else text, said.finish, said.tokens), thought

    def stream(self, request: ChatRequest, talk: Talk, gone: Gone) -> Iterator[tuple[str, str] | Said]:
        """Pieces of the answer (said, thought), last the whole of it. Closing the iterator ends the talking."""
        served = self.served[request.model]
        (future,) = served.lane.submit([Job("talk", talk.row, talk=talk)], bulk=request.priority > 0)
        future.add_done_callback(lambda _: talk.pieces.put(None))
        splitter = Splitter()
        try:
            for piece in _pieces(talk, gone):
                said = splitter.feed(piece)
                if any(said):
                    yield said
            answer: Said = future.result()
            yield splitter.end()
            yield answer
        finally:
            talk.gone.set()
            future.cancel()

    def tokenize(self, request: TokenizeRequest) -> list[int]:
        """The tokens of a prompt, or of a conversation as an embedder reads it."""
        served = self._named(request.model)
        if (request.prompt is None) == (request.messages is None):
            raise BadInput("send either `prompt` or `messages`")
        if request.prompt is not None:
            return served.network.scribe.ids(request.prompt, ending=request.add_special_tokens)
        flags = (request.add_generation_prompt, request.continue_final_message, request.add_special_tokens)
        return list(self._conversation_row(served, request.messages or [], flags).ids)

    def _named(self, name: str) -> Served:
        return self.served[name]

    def _able(self, name: str, stages: frozenset[Stage], what: str) -> Served:
        if not self.stages[name] & stages:
            raise Refused(f"{name} is not configured to {what} here")
        return self._named(name)

    def _embed_rows(self, served: Served, request: wire.EmbeddingsRequest) -> Sequence[Row]:
        scribe = served.network.scribe
        if request.messages is None:
            texts = [request.input] if isinstance(request.input, str) else request.input or []
            ending = request.add_special_tokens is not False
            cut = Cut(EMBED_TOKENS, _tail(served) + ending)
            return [
                wire.blame(place, partial(_text_row, scribe, text, ending, cut)) for place, text in enumerate(texts)
            ]
        flags = (
            request.add_generation_prompt is not False,
            bool(request.continue_final_message),
            request.add_special_tokens is not False,
        )
        talks = wire.conversations(request.messages)
        return [
            wire.blame(place, partial(self._conversation_row, served, talk, flags)) for place, talk in enumerate(talks)
        ]

    def _conversation_row(self, served: Served, talk: wire.Conversation, flags: tuple[bool, bool, bool]) -> Row:
        opened, continued, ending = flags
        prompt = conversations.embedding(talk, opened=opened, continued=continued)
        cut = Cut(EMBED_TOKENS, _tail(served) + ending)
        return served.network.scribe.row(prompt.text, prompt.pictures, ending=ending, cut=cut)

    def _rank_row(self, served: Served, request: RerankRequest, document: Any) -> Row:
        kind, scribe = served.network.checkpoint.kind, served.network.scribe
        prompt = conversations.ranking(request.query, document, request.instruction, kind)
        cut = Cut(RERANK_TOKENS, len(scribe.ids(conversations.ranking_end(kind))))
        return scribe.row(prompt.text, prompt.pictures, ending=False, cut=cut)

    def _entry(self, name: str, network: Network) -> Json:
        sees = network.checkpoint.kind == "vision"
        about = {
            "revision": network.checkpoint.revision,
            "dimensions": network.dimensions,
            "mrl": True,
            "modalities": ["image", "text"] if sees else ["text"],
            "notes": [f"It computes with {str(network.device.dtype).removeprefix('torch.')} on {network.device.name}."],
            "reads": False,
            "captions": sees and "caption" in self.stages[name],
            "prompt": "chat" if sees else "instruct",
            "conversations": wire.MOST_INPUTS,
            "priority": True,
        }
        return {"id": name, "object": "model", "created": 0, "owned_by": "searchsite", "searchsite": about}


def _tail(served: Served) -> int:
    """How many tokens at the end of an embedder's prompt are never cut, beside the final one."""
    if served.network.checkpoint.kind == "text":
        return 0
    return len(served.network.scribe.ids(f"{conversations.END}\n{conversations.ASSISTANT}"))


def _text_row(scribe: Any, text: str, ending: bool, cut: Cut) -> Row:
    if not text.strip():
        raise BadInput("an input holds neither text nor picture")
    row: Row = scribe.row(text, ending=ending, cut=cut)
    return row


def _form(request: ChatRequest) -> Json | None:
    """The schema that an answer must keep to; empty where any JSON object will do."""
    form = request.response_format
    if form is None or form.type == "text":
        return None
    return form.json_schema.shape if form.json_schema else {}


def _templated(tokenizer: Any, turns: Sequence[Json], flags: Json) -> str:
    """The conversation by the checkpoint's own template."""
    try:
        text: str = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True, **flags)
    except ValueError as error:
        raise Refused("this network has no chat template, so it cannot be talked with") from error
    return text


def _pieces(talk: Talk, gone: Gone) -> Iterator[str]:
    """What is said, as it is said, for as long as somebody waits for it."""
    looked = time.monotonic()
    while True:
        try:
            piece = talk.pieces.get(timeout=LISTEN_SECONDS)
        except queue.Empty:
            piece = ""
        if piece is None:
            return
        if time.monotonic() - looked > LISTEN_SECONDS:
            looked = time.monotonic()
            if gone():
                raise Refused("nobody waits for this answer any more")
        yield piece

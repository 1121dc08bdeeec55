"""Lets a network speak: several conversations side by side, each heard piece by piece."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from tokenizers.decoders import DecodeStream
from transformers import GenerationConfig, StoppingCriteriaList

from searchsite.inference.errors import ServerFailed
from searchsite.inference.qwen.network import Network
from searchsite.inference.qwen.rows import Row


@dataclass(frozen=True)
class Sampling:
    """How the next token is drawn; conversations with the same are spoken together."""

    temperature: float
    top_p: float
    top_k: int


@dataclass
class Talk:
    """A conversation to go on. What is said goes to `pieces`, None at its end; set `gone` when nobody listens."""

    row: Row
    most_tokens: int
    sampling: Sampling
    as_json: bool = False
    pieces: queue.SimpleQueue[str | None] = field(default_factory=queue.SimpleQueue)
    gone: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True)
class Said:
    """A whole answer. finish: stop or length."""

    text: str
    finish: str
    tokens: int


class _Ear:
    """Hears one row of a batch token by token."""

    def __init__(self, talk: Talk, words: Any, ends: frozenset[int]) -> None:
        self.talk = talk
        self.text = ""
        self.finish = ""
        self.tokens = 0
        self._words = words
        self._ends = ends
        self._decoder = DecodeStream(skip_special_tokens=True)

    def hear(self, token: int) -> bool:
        """Take in a token; answers whether this row is done."""
        if self.finish:
            return True
        self.tokens += 1
        if token in self._ends or self.talk.gone.is_set():
            return self._end("stop")
        piece = self._decoder.step(self._words, token)
        if piece:
            self.text += piece
            self.talk.pieces.put(piece)
        if self.talk.as_json and "}" in (piece or "") and is_json(self.text):
            return self._end("stop")
        return self._end("length") if self.tokens >= self.talk.most_tokens else False

    def _end(self, finish: str) -> bool:
        self.finish = finish
        return True


def speak(network: Network, talks: Sequence[Talk]) -> list[Said]:
    """Answers to conversations of the same sampling."""
    ends = _ends(network)
    words = network.scribe.tokenizer.backend_tokenizer
    ears = [_Ear(talk, words, ends) for talk in talks]

    def listen(ids: Any, scores: Any, **rest: Any) -> Any:
        done = [ear.hear(token) for ear, token in zip(ears, ids[:, -1].tolist(), strict=True)]
        return torch.tensor(done, device=ids.device)

    how = talks[0].sampling
    drawn = {"temperature": how.temperature, "top_p": how.top_p, "top_k": max(how.top_k, 0)} if how.temperature else {}
    settings = GenerationConfig(
        do_sample=bool(how.temperature),
        max_new_tokens=max(talk.most_tokens for talk in talks),
        eos_token_id=sorted(ends),
        pad_token_id=network.scribe.ending,
        **drawn,
    )
    with torch.inference_mode():
        given = network.tensors([talk.row for talk in talks], "left")
        try:
            network.whole.generate(
                **given, generation_config=settings, stopping_criteria=StoppingCriteriaList([listen])
            )
        except torch.OutOfMemoryError as error:
            if any(ear.tokens for ear in ears):  # what was heard can't be said anew
                raise ServerFailed("memory ran out in the middle of an answer") from error
            raise
    return [Said(ear.text, ear.finish or "length", ear.tokens) for ear in ears]


def is_json(text: str) -> bool:
    """Whether the text is one whole JSON object."""
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def json_in(text: str) -> str:
    """The JSON object in an answer, without a fence or words around it; the text itself where there is none."""
    inner = text[text.find("{") : text.rfind("}") + 1]
    return inner if is_json(inner) else text


def _ends(network: Network) -> frozenset[int]:
    """Tokens that end an answer."""
    named = network.whole.generation_config.eos_token_id
    numbers = named if isinstance(named, list) else [] if named is None else [named]
    return frozenset([*numbers, network.scribe.ending, network.scribe.token("<|im_end|>")])

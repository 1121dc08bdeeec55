"""A prompt and its pictures as the numbers that a network takes in."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from transformers import AutoTokenizer
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil, smart_resize

from searchsite.inference.errors import BadInput
from searchsite.inference.qwen.checkpoint import Checkpoint

Pixels: TypeAlias = NDArray[np.uint8]
PICTURE = "<|image_pad|>"
ENDING = "<|endoftext|>"
SMALLEST, LARGEST = 4 * 32 * 32, 1800 * 32 * 32
"""Pixels of a picture as the embedders and rerankers were tested."""
CHAT_SMALLEST = 64 * 32 * 32


@dataclass(frozen=True)
class Row:
    """Tokens of one prompt, each picture standing there as often as it has tokens; and the pictures' pixels."""

    ids: tuple[int, ...]
    pictures: tuple[Pixels, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Cut:
    """How long a row may be, and how many of its last tokens stay when it is cut."""

    most: int
    tail: int


class Scribe:
    """Makes rows: the tokenizer and the picture sizes of a checkpoint. Thread-safe."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.tokenizer: Any = AutoTokenizer.from_pretrained(checkpoint.path, local_files_only=True)
        if self.tokenizer.chat_template is None:
            self.tokenizer.chat_template = _template(checkpoint.path)
        # The tokenizer of transformers changes its state with each call, and so fails in threads; this one doesn't.
        self._words: Any = self.tokenizer.backend_tokenizer
        self._words.no_truncation()
        self._words.no_padding()
        self._special = frozenset(self.tokenizer.all_special_ids)
        self.ending: int = self.token(ENDING)
        self.picture_token: int | None = None
        self.shape: Any = None
        if checkpoint.kind == "vision":
            self.picture_token = self.token(PICTURE)
            self.shape = Qwen2VLImageProcessorPil.from_pretrained(checkpoint.path, local_files_only=True)

    def token(self, word: str) -> int:
        """The number of a word that is one token."""
        number: int | None = self._words.token_to_id(word)
        if number is None:
            raise BadInput(f"{word!r} is no token of this network")
        return number

    def ids(self, text: str, *, ending: bool = False) -> list[int]:
        """Tokens of a text as it stands; with the final one that an embedder was trained to end on."""
        found: list[int] = self._words.encode(text, add_special_tokens=False).ids
        return [*found, self.ending] if ending else found

    def row(self, prompt: str, pictures: Sequence[Image.Image] = (), *, ending: bool, cut: Cut) -> Row:
        """The row of a prompt, cut where it is too long; never a picture, a special token or the end."""
        return self.expanded(self.ids(prompt, ending=ending), [self.pixels(one) for one in pictures], cut)

    def expanded(self, ids: Sequence[int], pictures: Sequence[Pixels], cut: Cut) -> Row:
        """Tokens with each picture's place repeated as often as the network sees it."""
        if ids.count(self.picture_token) != len(pictures):
            raise BadInput(f"the prompt has {ids.count(self.picture_token)} places for {len(pictures)} pictures")
        left = iter(pictures)
        full: list[int] = []
        for token in ids:
            full += [token] * (self.picture_tokens(next(left)) if token == self.picture_token else 1)
        return Row(tuple(self._cut(full, cut)), tuple(pictures))

    def pixels(self, picture: Image.Image, smallest: int = SMALLEST) -> Pixels:
        """The picture in the size in which the network sees it."""
        if self.shape is None:
            raise BadInput("this network takes texts only")
        factor = self.shape.patch_size * self.shape.merge_size
        try:
            height, width = smart_resize(picture.height, picture.width, factor, smallest, LARGEST)
        except ValueError as error:
            raise BadInput("the picture is more than 200 times as long as wide") from error
        sized = picture.resize((width, height), Image.Resampling.BICUBIC)
        return np.array(sized, np.uint8)

    def picture_tokens(self, pixels: Pixels) -> int:
        """How many tokens a picture of this size takes."""
        factor = self.shape.patch_size * self.shape.merge_size
        return int(pixels.shape[0] // factor) * int(pixels.shape[1] // factor)

    def _cut(self, ids: list[int], cut: Cut) -> list[int]:
        if len(ids) <= cut.most:
            return ids
        head, tail = ids[: -cut.tail], ids[-cut.tail :]
        room = cut.most - len(tail) - sum(token in self._special for token in head)
        if room < 0:
            raise BadInput(f"the pictures alone take more than the {cut.most} tokens that this network reads")
        kept = []
        for token in head:
            plain = token not in self._special
            if not plain or room > 0:
                kept.append(token)
            room -= plain
        return [*kept, *tail]


def _template(path: Path) -> str | None:
    """The chat template where only the processor's file has it."""
    file = path / "chat_template.json"
    found = json.loads(file.read_text(encoding="utf-8")) if file.exists() else None
    template = found.get("chat_template") if isinstance(found, dict) else None
    return template if isinstance(template, str) else None

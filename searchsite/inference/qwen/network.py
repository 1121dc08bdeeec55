"""One loaded network: the classes of transformers, fed with rows. For a single thread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from transformers import (
    Qwen3ForCausalLM,
    Qwen3Model,
    Qwen3VLForConditionalGeneration,
    Qwen3VLModel,
)
from transformers.utils import logging as chatter

from searchsite.inference.errors import BadInput
from searchsite.inference.local import CannotLoad
from searchsite.inference.qwen.checkpoint import Checkpoint
from searchsite.inference.qwen.device import Device
from searchsite.inference.qwen.rows import Pixels, Row, Scribe
from searchsite.inference.types import Vectors

Side = Literal["left", "right"]
SILENT, SPEAKING = 0, 1
BROKEN = (OSError, RuntimeError, ValueError, KeyError, TypeError, BadInput, StrictDataclassError, SafetensorError)
"""What loading raises on files that are damaged or don't fit together."""
CLASSES = {
    "vision": (Qwen3VLModel, Qwen3VLForConditionalGeneration),
    "text": (Qwen3Model, Qwen3ForCausalLM),
}


class Network:
    """A checkpoint on its device. One that `speaks` has logits, for reranking and answers, beside its vectors."""

    def __init__(self, checkpoint: Checkpoint, device: Device, *, speaks: bool) -> None:
        self.checkpoint = checkpoint
        self.device = device
        try:
            self.scribe = Scribe(checkpoint)
            self.whole: Any = _loaded(checkpoint, device, CLASSES[checkpoint.kind][SPEAKING if speaks else SILENT])
        except BROKEN as error:
            said = " ".join(str(error).split())[:300]
            raise CannotLoad(f"{checkpoint.name} cannot be loaded: {said}") from error
        self.backbone: Any = self.whole.model if speaks else self.whole
        settings = self.whole.config
        self.dimensions: int = getattr(settings, "text_config", settings).hidden_size

    def vectors(self, rows: Sequence[Row], side: Side) -> Vectors:
        """The last hidden state of each row, as float32; not yet of length one."""
        found: Vectors = self._states(rows, side).cpu().numpy()
        return found

    def likelihoods(self, rows: Sequence[Row], side: Side) -> Vectors:
        """How likely each row goes on with "yes" rather than "no"."""
        yes, no = (self.scribe.token(word) for word in ("yes", "no"))
        with torch.inference_mode():
            head = self.whole.lm_head.weight
            # Two rows of the head instead of all its 151,936.
            odds = self._states(rows, side) @ (head[yes].float() - head[no].float())
            found: Vectors = torch.sigmoid(odds).cpu().numpy()
            return found

    def tensors(self, rows: Sequence[Row], side: Side) -> dict[str, Any]:
        """What a forward pass takes: rows padded to one length, and the pictures of all."""
        longest = max(map(len, rows))
        ids = np.full((len(rows), longest), self.scribe.ending, np.int64)
        mask = np.zeros((len(rows), longest), np.int64)
        for place, row in enumerate(rows):
            span = slice(longest - len(row), longest) if side == "left" else slice(0, len(row))
            ids[place, span] = row.ids
            mask[place, span] = 1
        found = {"input_ids": self._there(ids), "attention_mask": self._there(mask)}
        if self.scribe.picture_token is not None:
            found["mm_token_type_ids"] = (found["input_ids"] == self.scribe.picture_token).int()
        pictures = [picture for row in rows for picture in row.pictures]
        return found | (self._seen(pictures) if pictures else {})

    def _states(self, rows: Sequence[Row], side: Side) -> Any:
        with torch.inference_mode():
            given = self.tensors(rows, side)
            states = self.backbone(**given, use_cache=False).last_hidden_state
            ends = given["attention_mask"].sum(1) - 1 if side == "right" else -1
            return states[torch.arange(len(rows), device=states.device), ends].float()

    def _seen(self, pictures: Sequence[Pixels]) -> dict[str, Any]:
        shape = self.scribe.shape
        grids = [[1, one.shape[0] // shape.patch_size, one.shape[1] // shape.patch_size] for one in pictures]
        # Bytes travel to the device and become numbers there: they are an eighth of the patches.
        patches = torch.cat([self._patches(self._there(one)) for one in pictures])
        return {
            "pixel_values": patches.to(self.device.dtype),
            "image_grid_thw": self._there(np.array(grids, np.int64)),
        }

    def _patches(self, pixels: Any) -> Any:
        """The picture as the rows of numbers that the processor of transformers makes of it."""
        shape = self.scribe.shape
        size, merge, frames = shape.patch_size, shape.merge_size, shape.temporal_patch_size
        mean, std = (torch.tensor(side, device=pixels.device) for side in (shape.image_mean, shape.image_std))
        values = ((pixels.float() * shape.rescale_factor - mean) / std).permute(2, 0, 1)
        channels, height, width = values.shape
        across, down = width // size // merge, height // size // merge
        tiles = values.reshape(channels, down, merge, size, across, merge, size).permute(1, 4, 2, 5, 0, 3, 6)
        tiles = tiles.unsqueeze(5).expand(-1, -1, -1, -1, -1, frames, -1, -1)
        return tiles.reshape(down * across * merge * merge, channels * frames * size * size)

    def _there(self, numbers: Any) -> Any:
        return torch.from_numpy(np.ascontiguousarray(numbers)).to(self.device.name)


def _loaded(checkpoint: Checkpoint, device: Device, kind: Any) -> Any:
    chatter.set_verbosity_error()
    chatter.disable_progress_bar()
    found, report = kind.from_pretrained(
        checkpoint.path,
        dtype=device.dtype,
        attn_implementation="sdpa",
        local_files_only=True,
        output_loading_info=True,
    )
    if report["missing_keys"]:
        # Transformers would fill the gaps with random numbers.
        lacking = ", ".join(sorted(report["missing_keys"])[:3])
        raise CannotLoad(f"{checkpoint.name} lacks weights that its configuration promises: {lacking}")
    return found.eval().to(device.name)

"""`python -m bench.qwen [--shape 2b]`: our batching engine against a plain loop over the same classes and weights.

Runs where torch is: .venv-qwen/bin/python, after `make test-qwen`. The weights are random, which costs no speed.
"""

from __future__ import annotations

import argparse
import io
import os
import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from searchsite.inference.local import Local, open_desk
from searchsite.inference.prompts import CHAT, DEFAULTS
from searchsite.inference.qwen.rows import LARGEST, SMALLEST
from searchsite.inference.types import Picture
from searchsite.inference.wire import EmbeddingsRequest, data_url
from tests.qwen import checkpoints

WORDS = ["a", "cat", "standing", "in", "the", "snow", "by", "the", "beach", "at", "sunset", "with", "her", "dog"]
VISION = "<|vision_start|><|image_pad|><|vision_end|>"
AT_ONCE, A_REQUEST = 4, 32
SHAPES = ((1024, 768), (768, 768), (640, 480), (512, 512))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", choices=("tiny", "2b"), default="tiny")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--passages", type=int, default=256)
    parser.add_argument("--pictures", type=int, default=32)
    asked = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start")
    with tempfile.TemporaryDirectory(prefix="searchsite-bench-") as directory:
        path = _weights(Path(directory), asked.shape == "2b")
        desk = open_desk(Local(((str(path), frozenset({"embed"})),), device=asked.device))
        network = desk.served[str(path)].network
        where = f"{network.device.name}, {str(network.device.dtype).removeprefix('torch.')}"
        print(f"{asked.shape} shape, {sum(one.numel() for one in network.whole.parameters()):,} parameters, {where}")
        passages, pictures = _passages(asked.passages), _pictures(asked.pictures)
        for name, inputs, body in (("passages", passages, _texts), ("pictures", pictures, _conversations)):
            plain = _rate(lambda inputs=inputs: [_plainly(network, one) for one in inputs], inputs)
            ours = _rate(lambda inputs=inputs, body=body: _ours(desk, str(path), inputs, body), inputs)
            print(f"{name}: plain loop {plain:8.1f}/s   engine {ours:8.1f}/s   ratio {ours / plain:5.2f}", flush=True)
        print(_memory())
        desk.stop(5)
    print(f"load {os.getloadavg()[0]:.1f} at the end")


def _weights(path: Path, large: bool) -> Path:
    if not large:
        return checkpoints.seeing(path)
    torch.set_default_dtype(torch.bfloat16)
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        made = checkpoints.seeing(path, large=True)
    torch.set_default_dtype(torch.float32)
    return made


def _passages(count: int) -> list[str]:
    """Lengths as passages have them: many of some 200 tokens, few short, few long."""
    numbers = np.random.default_rng(0)
    lengths = np.clip(numbers.lognormal(5.0, 0.7, count), 8, 800).astype(int)
    return [" ".join(numbers.choice(WORDS, length)) for length in lengths]


def _pictures(count: int) -> list[Picture]:
    found = []
    for number in range(count):
        file = io.BytesIO()
        shape = SHAPES[number % len(SHAPES)]
        Image.effect_noise(shape, 60).convert("RGB").save(file, "JPEG", quality=90)
        found.append(Picture(file.getvalue(), "image/jpeg"))
    return found


def _plainly(network: Any, one: str | Picture) -> Any:
    """One input alone, with what transformers offer."""
    scribe, shape = network.scribe, network.scribe.shape
    text = one if isinstance(one, str) else VISION
    given: dict[str, Any] = {}
    if isinstance(one, Picture):
        size = {"shortest_edge": SMALLEST, "longest_edge": LARGEST}
        seen = shape(images=[Image.open(io.BytesIO(one.data)).convert("RGB")], size=size, return_tensors="pt")
        tokens = int(seen["image_grid_thw"].prod()) // shape.merge_size**2
        text = text.replace("<|image_pad|>", "<|image_pad|>" * tokens)
        given = {
            "pixel_values": seen["pixel_values"].to(network.device.dtype),
            "image_grid_thw": seen["image_grid_thw"],
        }
    prompt = CHAT.format(system=DEFAULTS["document"], text=text)
    words = scribe.tokenizer(prompt, return_tensors="pt")
    given |= {"input_ids": words["input_ids"], "attention_mask": words["attention_mask"]}
    given["mm_token_type_ids"] = (words["input_ids"] == scribe.picture_token).int()
    with torch.inference_mode():
        there = {name: tensor.to(network.device.name) for name, tensor in given.items()}
        state = network.backbone(**there).last_hidden_state[0, -1].float()
        return torch.nn.functional.normalize(state, dim=0).cpu().numpy()


def _ours(desk: Any, name: str, inputs: Sequence[Any], body: Callable[[Sequence[Any]], dict[str, Any]]) -> None:
    """As clients send them: 32 a request, four requests at once."""
    parts = [inputs[start : start + A_REQUEST] for start in range(0, len(inputs), A_REQUEST)]

    def ask(part: Sequence[Any]) -> None:
        desk.embed(EmbeddingsRequest.model_validate({"model": name, "priority": 1, **body(part)}), bool)

    with ThreadPoolExecutor(AT_ONCE) as threads:
        list(threads.map(ask, parts))


def _texts(part: Sequence[str]) -> dict[str, Any]:
    return {"input": [CHAT.format(system=DEFAULTS["document"], text=text) for text in part]}


def _conversations(part: Sequence[Picture]) -> dict[str, Any]:
    shown = [[{"type": "image_url", "image_url": {"url": data_url(one)}}] for one in part]
    return {"messages": [[{"role": "user", "content": content}] for content in shown]}


def _rate(work: Callable[[], Any], inputs: Sequence[Any]) -> float:
    work()  # warm
    began = time.monotonic()
    work()
    return len(inputs) / (time.monotonic() - began)


def _memory() -> str:
    if torch.cuda.is_available():
        return f"most memory of the device: {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB"
    return f"most memory of the process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.1f} GiB"


if __name__ == "__main__":
    main()

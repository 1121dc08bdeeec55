"""Where the networks compute and with what numbers: what the operator set, or the best that is there."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import torch

from searchsite.inference.local import CannotLoad

Work = TypeVar("Work")
Result = TypeVar("Result")
FORWARD_TOKENS = {"cuda": 16_384, "mps": 8_192, "cpu": 2_048}
"""Tokens, padding counted, in one forward pass: enough to keep the device busy, few enough for its memory."""
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True)
class Device:
    """A place to compute, its numbers, and how many tokens it takes at a time."""

    name: str
    dtype: Any
    tokens: int


def choose(device: str, dtype: str) -> Device:
    """The device and numbers of the settings; `auto` takes CUDA, then Apple's, then the processor."""
    name = _best() if device == "auto" else device
    kind = name.partition(":")[0]
    try:
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError) as error:
        raise CannotLoad(f"QWEN_DEVICE={device} is not a device that torch finds here") from error
    if kind == "cpu":
        # The house starts each process with one thread; this one has the heaviest work.
        torch.set_num_threads(_cores())
    numbers = DTYPES[dtype] if dtype != "auto" else torch.bfloat16 if kind == "cuda" else torch.float32
    return Device(name, numbers, FORWARD_TOKENS.get(kind, FORWARD_TOKENS["cpu"]))


def _cores() -> int:
    """Those this process may use; only Linux knows."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _best() -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def in_memory(work: Callable[[Sequence[Work]], Sequence[Result]], rows: Sequence[Work]) -> list[Result | None]:
    """Results of all rows, worked on together; where memory runs out, in halves. None: one row alone does not fit."""
    try:
        return list(work(rows))
    except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
        if not _is_memory(error):
            raise
    # Outside of the handler: the error holds the tensors of the failed pass.
    give_back()
    if len(rows) == 1:
        return [None]
    middle = len(rows) // 2
    return in_memory(work, rows[:middle]) + in_memory(work, rows[middle:])


def give_back() -> None:
    """Hand cached memory of the device back, so that smaller pieces fit."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _is_memory(error: BaseException) -> bool:
    """Whether memory ran out: on a processor torch says so in words alone."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "not enough memory" in str(error)

"""A network at work: its lane, into which the requests of all clients come, and what they may ask for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from searchsite.inference.batching import BatchLane, batches
from searchsite.inference.errors import BadInput, InferenceError
from searchsite.inference.qwen.device import in_memory
from searchsite.inference.qwen.network import Network, Side
from searchsite.inference.qwen.rows import Row
from searchsite.inference.qwen.talking import Said, Talk, speak

TALKS_AT_ONCE = 16


@dataclass(frozen=True)
class Job:
    """One row to embed, to judge or to go on with; `place` is its number in the request."""

    kind: Literal["embed", "judge", "talk"]
    row: Row
    place: int = 0
    talk: Talk | None = None

    @property
    def key(self) -> object:
        """Jobs with equal keys can be worked on together."""
        return self.kind, self.talk and self.talk.sampling

    @property
    def tokens(self) -> int:
        """Tokens that it keeps in memory."""
        return len(self.row) + (self.talk.most_tokens if self.talk else 0)


class Served:
    """One network and its thread."""

    def __init__(self, network: Network) -> None:
        self.network = network
        # The left side for all but Qwen3-VL-Embedding, as they were trained.
        self._side: Side = "right" if network.checkpoint.kind == "vision" else "left"
        self.lane: BatchLane[Job, Any] = BatchLane(network.checkpoint.name, choose=self._choose, work=self._work)

    def _choose(self, jobs: Sequence[Job]) -> Sequence[int]:
        """The oldest job and those that fit into one pass with it."""
        alike = [place for place, job in enumerate(jobs) if job.key == jobs[0].key]
        lengths = [jobs[place].tokens for place in alike]
        together = next(batch for batch in batches(lengths, self.network.device.tokens) if 0 in batch)
        if jobs[0].kind == "talk":
            together = [0, *[place for place in together if place]][:TALKS_AT_ONCE]
        return [alike[place] for place in together]

    def _work(self, jobs: Sequence[Job]) -> Sequence[Any]:
        passes: dict[str, Callable[[Sequence[Job]], Sequence[Any]]] = {
            "embed": self._embed,
            "judge": self._judge,
            "talk": self._talk,
        }
        found = in_memory(passes[jobs[0].kind], jobs)
        return [self._too_large(job) if result is None else result for job, result in zip(jobs, found, strict=True)]

    def _embed(self, jobs: Sequence[Job]) -> Sequence[Any]:
        return list(self.network.vectors([job.row for job in jobs], self._side))

    def _judge(self, jobs: Sequence[Job]) -> Sequence[Any]:
        return [float(number) for number in self.network.likelihoods([job.row for job in jobs], "left")]

    def _talk(self, jobs: Sequence[Job]) -> Sequence[Said]:
        return speak(self.network, [job.talk for job in jobs if job.talk is not None])

    def _too_large(self, job: Job) -> InferenceError:
        message = f"an input of {len(job.row)} tokens does not fit into the memory of {self.network.device.name}"
        return BadInput(message, index=job.place)


def shortened(vector: Any, dimensions: int) -> Any:
    """The first numbers of a vector, at length one again."""
    head = vector[:dimensions].astype(np.float32)
    return head / np.linalg.norm(head)

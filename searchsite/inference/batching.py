"""One thread that owns a network: it takes what waits, questions first, and works on many at a time."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from dataclasses import dataclass
from typing import Generic, TypeVar

from searchsite.inference.errors import InferenceError, Overloaded, Refused
from searchsite.inference.lanes import RETRY_AFTER

Job = TypeVar("Job")
Result = TypeVar("Result")
PADDING_SHARE, PADDING_FREE = 4, 64
"""A row joins a batch if it is at most a quarter, or 64 tokens, shorter than the longest: padding is computed, too."""
SEEN_AT_ONCE = 512
LOOK_SECONDS = 0.5

log = logging.getLogger(__name__)


@dataclass
class _Waiting(Generic[Job, Result]):
    job: Job
    bulk: bool
    future: Future[Result]


class BatchLane(Generic[Job, Result]):
    """Jobs of many callers for one network.

    choose: which of the waiting jobs to work on together, the first among them. work: a result or an error each.
    """

    def __init__(
        self,
        name: str,
        *,
        choose: Callable[[Sequence[Job]], Sequence[int]],
        work: Callable[[Sequence[Job]], Sequence[Result | InferenceError]],
        places: int = 1024,
    ) -> None:
        self._name = name
        self._choose = choose
        self._work = work
        self._places = places
        self._waiting: list[_Waiting[Job, Result]] = []
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._live, name=name, daemon=True)
        self._thread.start()

    def run(self, jobs: Sequence[Job], *, bulk: bool = False, gone: Callable[[], bool] = bool) -> list[Result]:
        """All results in order, or the first error; `Overloaded` where there is no room.

        gone: whether the caller's caller has left, so that what still waits can be dropped.
        """
        futures = self.submit(jobs, bulk=bulk)
        try:
            left: set[Future[Result]] = set(futures)
            while left:
                done, left = wait(left, LOOK_SECONDS, return_when=FIRST_EXCEPTION)
                for future in done:
                    future.result()
                if left and gone():
                    raise Refused("nobody waits for this answer any more")
            return [future.result() for future in futures]
        finally:
            for future in futures:
                future.cancel()

    def submit(self, jobs: Sequence[Job], *, bulk: bool = False) -> list[Future[Result]]:
        """Queue jobs, all or none; cancel a future to take its job back while it waits."""
        entries = [_Waiting[Job, Result](job, bulk, Future()) for job in jobs]
        with self._changed:
            if self._stopping or len(self._waiting) + len(entries) > self._places:
                raise Overloaded(f"the queue for {self._name} is full", retry_after=RETRY_AFTER)
            self._waiting += entries
            self._changed.notify()
        return [entry.future for entry in entries]

    def stop(self, seconds: float) -> bool:
        """Take nothing more and let the running batch finish; answers whether it did in time."""
        with self._changed:
            self._stopping = True
            left, self._waiting = self._waiting, []
            self._changed.notify()
        for entry in left:
            entry.future.cancel()
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _live(self) -> None:
        while batch := self._next():
            try:
                results = self._work([entry.job for entry in batch])
            except Exception as error:  # it is raised again where the answers are awaited
                if not isinstance(error, InferenceError):
                    log.exception("%s failed on %d inputs", self._name, len(batch))
                for entry in batch:
                    entry.future.set_exception(error)
                continue
            for entry, result in zip(batch, results, strict=True):
                if isinstance(result, InferenceError):
                    entry.future.set_exception(result)
                else:
                    entry.future.set_result(result)

    def _next(self) -> list[_Waiting[Job, Result]]:
        """Wait for the next batch; empty at the end."""
        with self._changed:
            while True:
                self._waiting = [entry for entry in self._waiting if not entry.future.cancelled()]
                if self._waiting:
                    break
                if self._stopping:
                    return []
                self._changed.wait()
            bulk = all(entry.bulk for entry in self._waiting)
            seen = [entry for entry in self._waiting if entry.bulk == bulk][:SEEN_AT_ONCE]
            chosen = [seen[place] for place in self._choose([entry.job for entry in seen])]
            batch = [entry for entry in chosen if entry.future.set_running_or_notify_cancel()]
            taken = {id(entry) for entry in chosen}
            self._waiting = [entry for entry in self._waiting if id(entry) not in taken]
        return batch or self._next()


def batches(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Rows in batches, the longest first: each of `budget` tokens at most, padding counted, and of similar length.

    A row longer than the budget is a batch of its own.
    """
    found: list[list[int]] = []
    for place in sorted(range(len(lengths)), key=lambda at: (-lengths[at], at)):
        batch = found[-1] if found else None
        if batch is not None:
            longest = lengths[batch[0]]
            allowed = max(PADDING_FREE, longest // PADDING_SHARE)
            if (len(batch) + 1) * longest <= budget and longest - lengths[place] <= allowed:
                batch.append(place)
                continue
        found.append([place])
    return found

"""Threads for the networks, in lanes, so that a question never queues behind bulk work."""

from __future__ import annotations

import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from typing import Any, TypeVar

from searchsite.inference.errors import Overloaded

Answer = TypeVar("Answer")
RETRY_AFTER = 2.0


class Lane:
    """Threads of one priority with a bounded queue."""

    def __init__(self, name: str, *, threads: int, places: int, niceness: int = 0) -> None:
        self._name = name
        self._niceness = niceness
        # A place is an unfinished job, waiting or running.
        self._places = threading.BoundedSemaphore(places)
        self._jobs: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True) for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def run(self, jobs: Sequence[Callable[[], Answer]]) -> list[Answer]:
        """All answers in order, or the first error; `Overloaded` where the queue has no room."""
        futures: list[Future[Answer]] = []
        try:
            for job in jobs:
                futures.append(self._submit(job))
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            for future in done:
                future.result()
            return [future.result() for future in futures]
        finally:
            for future in futures:
                future.cancel()

    def stop(self, seconds: float) -> bool:
        """Let running jobs finish for some seconds; answers whether all threads came to their end."""
        end = time.monotonic() + seconds
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _submit(self, job: Callable[[], Answer]) -> Future[Answer]:
        if not self._places.acquire(blocking=False):
            raise Overloaded(f"the queue for {self._name} is full", retry_after=RETRY_AFTER)
        future: Future[Answer] = Future()
        self._jobs.put((future, job))
        return future

    def _work(self) -> None:
        _step_back(self._niceness)
        while (entry := self._jobs.get()) is not None:
            try:
                _settle(*entry)
            finally:
                self._places.release()


def _settle(future: Future[Any], job: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(job())
    except Exception as error:  # noqa: BLE001 - it is raised again where the answer is awaited
        future.set_exception(error)


def _step_back(niceness: int) -> None:
    """Lower this thread's priority; only Linux has one a thread."""
    if niceness and sys.platform == "linux":
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + niceness)

"""Reads once what several parts of one page ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

T = TypeVar("T")
_kept: ContextVar[dict[str, Any] | None] = ContextVar("kept", default=None)


@contextmanager
def reading() -> Iterator[None]:
    """While a page is made that changes nothing."""
    token = _kept.set({})
    try:
        yield
    finally:
        _kept.reset(token)


def read(name: str, ask: Callable[[], T]) -> T:
    """What was read under this name while the same page was made; else what is asked now."""
    kept = _kept.get()
    if kept is None:
        return ask()
    if name not in kept:
        kept[name] = ask()
    found: T = kept[name]
    return found

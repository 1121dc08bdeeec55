"""The process's one client of the inference server."""

from __future__ import annotations

from functools import lru_cache

from searchsite import config
from searchsite.accounts import meter
from searchsite.inference.client import Client, endpoint_from
from searchsite.inference.errors import InferenceError, TooSlow, Unreachable
from searchsite.inference.types import EmbedInput


@lru_cache(maxsize=1)
def client() -> Client:
    """Made on first use, so that each process of a pool has its own."""
    return Client(endpoint_from(config.load()), meter=meter.record)


def settled(error: TooSlow) -> InferenceError:
    """Whose fault it is: an input's while the server still answers something short, else nobody's."""
    try:
        client().embed([EmbedInput(text="a")], purpose="query")
    except InferenceError:
        return Unreachable(error.message, retry_after=error.retry_after)
    return error

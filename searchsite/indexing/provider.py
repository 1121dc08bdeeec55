"""The process's one client of the inference server."""

from __future__ import annotations

from functools import lru_cache

from searchsite import config
from searchsite.accounts import meter
from searchsite.inference.client import Client, endpoint_from


@lru_cache(maxsize=1)
def client() -> Client:
    """Made on first use, so that each process of a pool has its own."""
    return Client(endpoint_from(config.load()), meter=meter.record)

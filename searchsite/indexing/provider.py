"""The process's clients of the networks: one as configured, and one for each space that another embedder made."""

from __future__ import annotations

import threading
from dataclasses import replace
from functools import lru_cache
from typing import cast
from urllib.parse import urlsplit, urlunsplit

from searchsite import config, presets
from searchsite.config import Dialect
from searchsite.indexing import metering
from searchsite.indexing.gate import SharedGate
from searchsite.indexing.models import Space, SpaceStatus
from searchsite.inference import stages
from searchsite.inference.breaker import Pace
from searchsite.inference.client import Client
from searchsite.inference.errors import InferenceError, Unreachable
from searchsite.inference.stages import Endpoint, Stages
from searchsite.inference.types import EmbedInput

_clients: dict[Endpoint, Client] = {}
_making = threading.Lock()


@lru_cache(maxsize=1)
def client() -> Client:
    """The client of the configured stages. Made on first use, so that each process of a pool has its own."""
    return _made(stages.stages_from(config.load()))


@lru_cache(maxsize=1)
def gate() -> SharedGate:
    """What keeps this process's calls from servers that are away."""
    return SharedGate(Pace(probe_seconds=config.load().probe_seconds))


def client_of(space: Space) -> Client:
    """The client whose embedder is the one that the space was made with, whatever is configured by now."""
    endpoint = endpoint_of(space)
    if endpoint == configured():
        return client()
    with _making:
        if endpoint not in _clients:
            _clients[endpoint] = _made(replace(stages.stages_from(config.load()), embed=endpoint))
        return _clients[endpoint]


def configured() -> Endpoint:
    """Where the embedder answers that the configuration names."""
    return stages.stages_from(config.load()).embed


def endpoint_of(space: Space) -> Endpoint:
    """Where a space's embedder answers. Its key is looked up by host in the configuration, and never stored."""
    loaded, now = config.load(), configured()
    own = (space.embedder, space.adapter, space.most_dimensions)
    if (now.network, now.dialect, now.dimensions) == own and plain_url(now) == space.url:
        return now
    dialect = cast(Dialect, space.adapter)
    if not space.url:
        endpoint = Endpoint(stages.EMBEDDED, loaded.inference_socket, space.embedder, dialect=dialect)
    else:
        endpoint = Endpoint(space.url, None, space.embedder, stages.key_for(loaded, space.url), dialect)
    return replace(endpoint, dimensions=space.most_dimensions)


def unused_keys() -> list[str]:
    """The hosts in EARLIER_KEYS that no space's server has; asks the database."""
    hosts = stages.earlier_keys(config.load())
    kept = Space.objects.exclude(status=SpaceStatus.DROPPED).exclude(url="").values_list("url", flat=True)
    used = {presets.entry_for(url, hosts) for url in kept} if hosts else set()
    return [host for host in hosts if host not in used]


def plain_url(endpoint: Endpoint) -> str:
    """The address as a space keeps it: without credentials, and empty for the embedded inference server."""
    if endpoint.socket is not None:
        return ""
    return urlunsplit(urlsplit(endpoint.url)._replace(netloc=endpoint.host))


def forget() -> None:
    """Close all clients; the next call makes new ones."""
    with _making:
        closed = [_clients.pop(endpoint) for endpoint in list(_clients)]
    if client.cache_info().currsize:
        closed.append(client())
    client.cache_clear()
    for one in closed:
        one.close()
    if gate.cache_info().currsize:
        gate().close()
    gate.cache_clear()


def settled(error: InferenceError, asked: Client | None = None) -> InferenceError:
    """Whose fault it is: an input's while the server still answers something short, else nobody's."""
    try:
        (asked or client()).embed([EmbedInput(text="a")], purpose="query")
    except InferenceError:
        return Unreachable(error.message, retry_after=error.retry_after)
    return error


def _made(chosen: Stages) -> Client:
    return Client(chosen, meter=metering, gate=gate())

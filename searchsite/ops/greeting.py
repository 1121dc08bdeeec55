"""What `up` says of the networks when it is ready: which are configured, and which one answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from searchsite.config import Config
from searchsite.indexing import provider, standing
from searchsite.inference.selfcheck import STAGES
from searchsite.inference.stages import Endpoint, stages_from

ANSWERING, UNUSED = "answering: ", "EARLIER_KEYS has "


def networks(config: Config) -> Iterator[str]:
    """The preset, and a line for each stage; asks nobody."""
    yield f"Networks, PRESET={config.preset}:"
    stages = stages_from(config)
    for stage in STAGES:
        endpoint: Endpoint | None = getattr(stages, stage)
        yield f"  {stage:8}{'none' if endpoint is None else f'{endpoint.network} at {endpoint.name}'}"


def from_database() -> Iterator[str]:
    """What answers beside what is configured, and keys that nothing needs; asks the database alone."""
    now = standing.now()
    serving = now.serving.embedder if now.serving is not None else "nothing yet"
    yield f"{ANSWERING}{serving}; configured: {now.configured.network}"
    yield from unused_keys()


def unused_keys() -> Iterator[str]:
    """A sentence for each entry of EARLIER_KEYS that fits no space."""
    for host in provider.unused_keys():
        yield f"{UNUSED}a key for {host}, but no space is of a server there (see `manage.py spaces`)."


def among(lines: Iterable[str]) -> list[str]:
    """Those lines of a log that `from_database` made when it was last asked."""
    found: list[str] = []
    for line in lines:
        if line.startswith(ANSWERING):
            found = [line]
        elif line.startswith(UNUSED):
            found.append(line)
    return found

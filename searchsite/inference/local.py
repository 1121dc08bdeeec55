"""Which networks our own server loads beside the built-in one, and the one door to the code that loads them."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from searchsite.config import Config
from searchsite.inference.stages import Endpoint, stages_from
from searchsite.inference.types import Stage

if TYPE_CHECKING:
    from searchsite.inference.qwen.desk import Desk

BUILTIN = "builtin"
INSTALL = "make qwen-local"
STAGES: tuple[Stage, ...] = ("embed", "caption", "rerank", "answer")


class CannotLoad(Exception):
    """A network can't be loaded; the message is one sentence for whoever starts the server."""


@dataclass(frozen=True)
class Local:
    """The networks to load, each with the stages it serves, and how: device, numbers, whether to fetch weights."""

    networks: tuple[tuple[str, frozenset[Stage]], ...]
    device: str = "auto"
    dtype: str = "auto"
    download: bool = False


NO_OTHERS = Local(())


def local_from(config: Config) -> Local:
    """The networks whose stages the configuration gives to the embedded server."""
    stages = stages_from(config)
    found: dict[str, frozenset[Stage]] = {}
    for stage in STAGES:
        endpoint: Endpoint | None = getattr(stages, stage)
        if endpoint is not None and endpoint.is_local and endpoint.network != BUILTIN:
            found[endpoint.network] = found.get(endpoint.network, frozenset()) | {stage}
    return Local(tuple(found.items()), config.qwen_device, config.qwen_dtype, config.qwen_download)


def open_desk(local: Local) -> Desk:
    """Load the networks. Raises CannotLoad."""
    names = ", ".join(name for name, _ in local.networks)
    try:
        # Imported only here and by name: torch takes seconds and 300 MB, and most houses do without it.
        desk = importlib.import_module("searchsite.inference.qwen.desk")
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("searchsite"):
            raise
        raise CannotLoad(f"{names} needs torch and transformers; run `{INSTALL}` once") from error
    opened: Desk = desk.Desk(local)
    return opened

"""Which network serves which stage, and where: presets first, each stage overridable on its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from searchsite import presets
from searchsite.config import Config, Dialect
from searchsite.inference.types import Stage
from searchsite.presets import NONE, PRESETS

EMBEDDED = "http://inference"
"""What the embedded inference server is called behind its socket."""


@dataclass(frozen=True)
class Endpoint:
    """Where a network answers: a URL, or a unix socket behind it; its name there, the key to show, and the dialect.

    dimensions: how many numbers to keep of its vectors at most; None keeps all. pinned: the providers that a
    dialect of many providers may choose from, so that all vectors come from one deployment.
    """

    url: str
    socket: Path | None
    network: str
    key: SecretStr | None = None
    dialect: Dialect = "searchsite"
    dimensions: int | None = None
    pinned: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What to call it in a sentence: never with credentials."""
        return "the embedded inference server" if self.socket else self.host

    @property
    def host(self) -> str:
        """Host and port of the URL, without the credentials that may stand before them."""
        return urlsplit(self.url).netloc.rpartition("@")[2]

    @property
    def is_local(self) -> bool:
        """Whether the embedded inference server answers: it costs nothing, and nobody's budget."""
        return self.socket is not None


@dataclass(frozen=True)
class Stages:
    """The endpoint of each stage; None where nothing is configured to do it."""

    embed: Endpoint
    read: Endpoint | None = None
    caption: Endpoint | None = None
    rerank: Endpoint | None = None
    answer: Endpoint | None = None

    @property
    def any_local(self) -> bool:
        """Whether the embedded inference server has anything to do."""
        every = (self.embed, self.read, self.caption, self.rerank, self.answer)
        return any(endpoint is not None and endpoint.is_local for endpoint in every)


def stages_from(config: Config) -> Stages:
    """The endpoints that the configuration names."""
    preset = PRESETS[config.preset]
    read = Endpoint(EMBEDDED, config.inference_socket, "builtin")
    if config.preset == "builtin" and config.inference_url is not None:
        # Our own server elsewhere: what embeds there reads, too.
        network = config.embedder if config.embedder and config.embed_url is None else preset.embedder
        read = Endpoint(config.inference_url, None, network, config.inference_key)
    embed = _endpoint(config, "embed", config.embedder or preset.embedder)
    return Stages(
        embed=replace(embed, dimensions=config.embed_dimensions, pinned=tuple(config.openrouter_provider)),
        read=read if config.reader == "builtin" and config.read_pictures else None,
        caption=_endpoint_or_none(config, "caption", config.captioner or preset.captioner),
        rerank=_endpoint_or_none(config, "rerank", config.reranker or preset.reranker),
        answer=_endpoint_or_none(config, "answer", config.answerer or preset.answerer),
    )


def _endpoint_or_none(config: Config, stage: Stage, network: str) -> Endpoint | None:
    endpoint = None if network == NONE else _endpoint(config, stage, network)
    # A preset of servers elsewhere has no place to fall back on: a stage without an address does nothing.
    return None if endpoint is None or (endpoint.is_local and not PRESETS[config.preset].local) else endpoint


def _endpoint(config: Config, stage: Stage, network: str) -> Endpoint:
    preset = PRESETS[config.preset]
    url: str | None = getattr(config, f"{stage}_url")
    key: SecretStr | None = getattr(config, f"{stage}_key")
    dialect: Dialect | None = getattr(config, f"{stage}_dialect")
    if url is not None:
        return Endpoint(url, None, network, key, dialect or presets.dialect_at(url, preset))
    url = config.inference_url or preset.url
    if url is None:
        return Endpoint(EMBEDDED, config.inference_socket, network)
    return Endpoint(url, None, network, key or config.inference_key, dialect or preset.dialect)


def key_for(config: Config, url: str) -> SecretStr | None:
    """The key for a server that an earlier configuration named: that of a stage there now, or of EARLIER_KEYS."""
    host = Endpoint(url, None, "").host.lower()
    now = stages_from(config)
    for endpoint in (now.embed, now.read, now.caption, now.rerank, now.answer):
        if endpoint is not None and endpoint.socket is None and endpoint.host.lower() == host and endpoint.key:
            return endpoint.key
    known = earlier_keys(config)
    entry = presets.entry_for(url, known)
    return None if entry is None else SecretStr(known[entry])


def earlier_keys(config: Config) -> dict[str, str]:
    """Host and key of each entry of EARLIER_KEYS."""
    return presets.earlier_keys(config.earlier_keys.get_secret_value() if config.earlier_keys else "")

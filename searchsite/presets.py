"""What each PRESET names, and which settings of the stages go together; what does not is told in plain sentences."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

Dialect = Literal["searchsite", "vllm", "sglang", "openrouter", "openai", "llamacpp", "dashscope"]
NONE = "none"
OPENROUTER_URL = "https://openrouter.ai/api/v1"
# Elsewhere a server speaks what the preset's does.
HOSTS: Mapping[str, Dialect] = {
    "openrouter.ai": "openrouter",
    "dashscope.aliyuncs.com": "dashscope",
    "dashscope-intl.aliyuncs.com": "dashscope",
}
# What servers of a kind are not asked to do.
LACKING: Mapping[str, Collection[Dialect]] = {
    "caption": {"dashscope"},
    "rerank": {"openai", "llamacpp"},
    "answer": {"dashscope"},
}
PRICES: dict[str, dict[str, float]] = {
    "qwen/qwen3-embedding-8b@openrouter.ai": {"input": 0.01},
    "qwen/qwen3-embedding-4b@openrouter.ai": {"input": 0.02},
    "qwen/qwen3-embedding-0.6b@openrouter.ai": {"input": 0.01},
    "qwen/qwen3-vl-8b-instruct@openrouter.ai": {"input": 0.08, "output": 0.5},
    "qwen/qwen3-8b@openrouter.ai": {"input": 0.05, "output": 0.4},
    # What its tokens of pictures cost; those of texts cost less, and it does not tell them apart.
    "qwen3-vl-embedding@dashscope.aliyuncs.com": {"input": 0.258},
    "qwen3-vl-embedding@dashscope-intl.aliyuncs.com": {"input": 0.258},
    "builtin": {"input": 0.0},
}
"""What hosted networks cost on PRICES_DATE, each at the server that asks it."""
UNITS = {"input", "output", "image"}
STAGES = {"embed": "embedder", "caption": "captioner", "rerank": "reranker", "answer": "answerer"}


@dataclass(frozen=True)
class Preset:
    """A provider's network for each stage, its dialect, and its address where everybody's is the same."""

    dialect: Dialect
    embedder: str
    captioner: str = NONE
    reranker: str = NONE
    answerer: str = NONE
    url: str | None = None
    local: bool = False


PRESETS: Mapping[str, Preset] = {
    "builtin": Preset("searchsite", "builtin", local=True),
    "openrouter": Preset(
        "openrouter",
        "qwen/qwen3-embedding-8b",
        captioner="qwen/qwen3-vl-8b-instruct",
        answerer="qwen/qwen3-8b",
        url=OPENROUTER_URL,
    ),
    "vllm": Preset("vllm", "Qwen/Qwen3-VL-Embedding-8B", captioner="Qwen/Qwen3-VL-8B-Instruct"),
    "qwen-local": Preset("searchsite", "Qwen/Qwen3-VL-Embedding-2B", local=True),
    "gigarouter": Preset(
        "openai",
        "Qwen/Qwen3-VL-Embedding-8B",
        captioner="Qwen/Qwen3-VL-8B-Instruct",
        answerer="Qwen/Qwen3-8B",
    ),
}


def dialect_at(url: str, preset: Preset) -> Dialect:
    """What a server speaks where no setting says it: known hosts their own, others what the preset's server does."""
    known = HOSTS.get(urlsplit(url).hostname or "")
    if known is not None:
        return known
    return preset.dialect if preset.url is None else "openai"


def earlier_keys(value: str) -> dict[str, str]:
    """Host and key of each pair in EARLIER_KEYS. Raises ValueError, which shows no key."""
    pairs = [pair.strip().partition("=") for pair in value.split(",") if pair.strip()]
    if not all(host.strip() and key.strip() for host, _, key in pairs):
        raise ValueError("it must be host=key, or several of these, comma separated")
    return {host.strip().lower(): key.strip() for host, _, key in pairs}


def entry_for(url: str, hosts: Collection[str]) -> str | None:
    """The entry of EARLIER_KEYS for a server: that of its host and port, else that of its host at any port."""
    at = urlsplit(url.lower())
    name = at.netloc.rpartition("@")[2].removesuffix(f":{at.port}")
    port = at.port or {"https": 443, "http": 80}.get(at.scheme)
    return next((one for one in (f"{name}:{port}", name, name.strip("[]")) if one in hosts), None)


def wrong(settings: Mapping[str, Any]) -> Iterator[str]:
    """What does not fit together: a sentence each."""
    preset = PRESETS[settings["preset"]]
    yield from _without_address(settings, preset)
    yield from _without_key(settings, preset)
    for stage, role in STAGES.items():
        yield from _of_stage(settings, preset, stage, role)
        yield from _spoken(settings, preset, stage, role)
    if settings["reader"] == "captioner" and _network(settings, preset, "captioner") == NONE:
        yield "READER=captioner needs a captioner: set CAPTIONER and CAPTION_URL, or READER=builtin."


def _without_address(settings: Mapping[str, Any], preset: Preset) -> Iterator[str]:
    if not (preset.local or preset.url or settings["inference_url"] or settings["embed_url"]):
        yield (
            f"PRESET={settings['preset']} needs the address of a server: set EMBED_URL, and CAPTION_URL and so on for"
            " the other stages, or INFERENCE_URL for all of them (docs/models.md)."
        )


def _without_key(settings: Mapping[str, Any], preset: Preset) -> Iterator[str]:
    if preset.url is None or settings["inference_url"] or settings["inference_key"]:
        return
    for stage, role in STAGES.items():
        elsewhere = settings[f"{stage}_url"] or settings[f"{stage}_key"]
        if not elsewhere and _network(settings, preset, role) != NONE:
            yield f"PRESET={settings['preset']} needs a key: set INFERENCE_KEY, or INFERENCE_KEY_FILE to a path."
            return


def _of_stage(settings: Mapping[str, Any], preset: Preset, stage: str, role: str) -> Iterator[str]:
    name = stage.upper()
    if settings[f"{stage}_url"]:
        # Where the role is none by name, its server stays set for another day.
        if settings[role] is None and _network(settings, preset, role) == NONE:
            yield f"{name}_URL is set, but no network to ask for there: set {role.upper()}."
        return
    if preset.url is None and settings["inference_url"] is None:
        for what, said in (("dialect", "speaks"), ("key", "wants to see")):
            if settings[f"{stage}_{what}"] is not None:
                yield f"{name}_{what.upper()} is what the server at {name}_URL {said}: set {name}_URL, too."


def _spoken(settings: Mapping[str, Any], preset: Preset, stage: str, role: str) -> Iterator[str]:
    url = settings[f"{stage}_url"]
    dialect = settings[f"{stage}_dialect"] or (dialect_at(url, preset) if url else preset.dialect)
    if dialect in LACKING.get(stage, ()) and _network(settings, preset, role) != NONE:
        name = stage.upper()
        yield f"{role.upper()} cannot be asked in {dialect!r}: set {name}_DIALECT to what else its server speaks."


def _network(settings: Mapping[str, Any], preset: Preset, role: str) -> str:
    return str(settings[role] or getattr(preset, role))


def is_price(value: Any) -> bool:
    """Whether this is what a network costs: US dollars for at least one of its units."""
    if not isinstance(value, dict) or not value or not value.keys() <= UNITS:
        return False
    numbers = [one for one in value.values() if isinstance(one, int | float) and not isinstance(one, bool)]
    return len(numbers) == len(value) and all(0 <= one < 1e9 for one in numbers)


def with_known(value: Any) -> dict[str, Any]:
    """The known prices with those of a table, which may be JSON, added or in their place. Raises ValueError."""
    given = _parsed(value) if isinstance(value, str) else value
    if not isinstance(given, dict) or not all(one is None or is_price(one) for one in given.values()):
        raise ValueError(
            'it must be JSON like {"vendor/network": {"input": 0.05, "output": 0.4}}, with no amount below 0'
        )
    given = {name.lower(): one for name, one in given.items()}
    # A price of a network wherever it is takes the place of those at its servers, too.
    known = {name: one for name, one in PRICES.items() if name.partition("@")[0] not in given} | given
    return {name: one for name, one in known.items() if one is not None}


def _parsed(text: str) -> Any:
    """The value of a JSON text; None where it is none."""
    try:
        return json.loads(text or "{}")
    except ValueError:
        return None

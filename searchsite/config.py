"""The one typed configuration object, read from the environment; runs with no environment at all."""

from __future__ import annotations

import hashlib
import ipaddress
import os
import tempfile
from datetime import date
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from searchsite import exposure, presets
from searchsite.limits import Limits
from searchsite.presets import Dialect as Dialect

ROOT = Path(__file__).resolve().parent.parent
# sun_path holds 108 bytes on Linux and 104 on macOS; Postgres appends "/.s.PGSQL.5432.lock".
SOCKET_DIR_LIMIT = 80
DIALECTS = ", ".join(get_args(Dialect))
URLS = ("inference_url", "embed_url", "caption_url", "rerank_url", "answer_url")
NETWORKS = ("embedder", "captioner", "reranker", "answerer")
BUDGETS = ("budget_month", "team_budget_month")
KEYS = ("inference_key", "embed_key", "caption_key", "rerank_key", "answer_key", "earlier_keys")
OPTIONAL = ("database_url", "broker_url", "secret_key", "bind", "files_url")
LISTS = ("allowed_hosts", "trusted_origins", "metrics_addresses", "openrouter_provider", "trusted_proxies")
SCHEMES = {
    "database_url": ("postgresql://", "postgres://"),
    "broker_url": ("redis://", "rediss://", "redis+socket://"),
    **dict.fromkeys(URLS, ("http://", "https://")),
}


class BadSettings(ValueError):
    """What is wrong with the environment: one plain sentence a line."""


class Config(Limits):
    """Every setting of searchsite. Each field is an environment variable of the same name in capitals.

    A secret may also be given as `<NAME>_FILE`, a path whose content is the value.
    """

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    debug: bool = Field(False, description="Django's debug pages. Never on a machine that others reach.")
    host: str = Field("127.0.0.1", description="Address the web server listens on.")
    port: int = Field(8000, ge=1, le=65535, description="Port the web server listens on.")
    allowed_hosts: Annotated[list[str], NoDecode] = Field(
        ["localhost", "127.0.0.1", "[::1]"], description="Host names the site answers to, comma separated."
    )
    trusted_origins: Annotated[list[str], NoDecode] = Field(
        [], description="Origins (https://host) that may send forms when behind a proxy, comma separated."
    )
    https: bool = Field(False, description="The site is reached by https alone, through a proxy.")
    bind: str | None = Field(
        None, description="Where HOST:PORT is reached from outside of a container, such as 127.0.0.1:8000."
    )
    insecure_http: bool = Field(
        False, description="Let others reach the site without https: passwords and files can be read on their way."
    )
    secret_key: SecretStr | None = Field(None, description="Signing key; made once under DATA_DIR when not set.")
    session_days: int = Field(14, ge=1, le=365, description="Days after which a person signs in anew.")
    session_idle_hours: float = Field(
        168, gt=0, le=8760, description="Hours without a request after which a person signs in anew."
    )
    files_url: str | None = Field(
        None,
        description="https://... of another host that shows pictures, by signed addresses; this site when not set.",
    )
    files_seconds: int = Field(600, ge=120, le=600, description="How long a signed address is good, at most.")
    data_dir: Path = Field(ROOT / ".data", description="State of the embedded servers.")
    media_root: Path = Field(ROOT / "media", description="Uploaded files and their derivatives.")
    database_url: SecretStr | None = Field(None, description="postgresql://...; the embedded Postgres when not set.")
    broker_url: SecretStr | None = Field(None, description="redis://...; the embedded Valkey when not set.")
    preset: Literal["builtin", "openrouter", "vllm", "qwen-local", "gigarouter"] = Field(
        "builtin", description="Which networks serve which stage, and where: docs/models.md."
    )
    inference_url: str | None = Field(
        None, description="http(s)://... of the preset's server; the embedded inference server when not set."
    )
    inference_key: SecretStr | None = Field(None, description="Bearer key for INFERENCE_URL, or the preset's provider.")
    embedder: str | None = Field(
        None, description="Network that embeds; the preset's when not set. After a change, build a new space."
    )
    embed_url: str | None = Field(None, description="Where the embedder answers, if not at the preset's address.")
    embed_key: SecretStr | None = Field(None, description="Bearer key for EMBED_URL.")
    embed_dialect: Dialect | None = Field(None, description=f"What EMBED_URL speaks: {DIALECTS}.")
    embed_dimensions: int = Field(1024, ge=64, le=4096, description="Numbers kept of each vector, at most.")
    reader: Literal["builtin", "captioner", "none"] = Field(
        "builtin", description="Who reads the text in pictures: builtin, captioner or none."
    )
    captioner: str | None = Field(
        None, description="Network that describes pictures, or none; the preset's when not set."
    )
    caption_url: str | None = Field(None, description="Where the captioner answers, if not at the preset's address.")
    caption_key: SecretStr | None = Field(None, description="Bearer key for CAPTION_URL.")
    caption_dialect: Dialect | None = Field(None, description="What CAPTION_URL speaks.")
    reranker: str | None = Field(None, description="Network that reorders hits, or none; the preset's when not set.")
    rerank_url: str | None = Field(None, description="Where the reranker answers, if not at the preset's address.")
    rerank_key: SecretStr | None = Field(None, description="Bearer key for RERANK_URL.")
    rerank_dialect: Dialect | None = Field(None, description="What RERANK_URL speaks.")
    rerank_seconds: float = Field(
        2.0, gt=0, le=30, description="How long a search waits for the reranker; then it shows the order it has."
    )
    answerer: str | None = Field(None, description="Network that answers questions, or none; the preset's if not set.")
    answer_url: str | None = Field(None, description="Where the answerer answers, if not at the preset's address.")
    answer_key: SecretStr | None = Field(None, description="Bearer key for ANSWER_URL.")
    answer_dialect: Dialect | None = Field(None, description="What ANSWER_URL speaks.")
    openrouter_provider: Annotated[list[str], NoDecode] = Field(
        [], description="Providers that may embed behind OpenRouter, comma separated; any when not set."
    )
    earlier_keys: SecretStr | None = Field(None, description="Keys for earlier spaces: host=key, comma separated.")
    qwen_device: str = Field("auto", description="Where PRESET=qwen-local computes: auto, cpu, cuda, cuda:1 or mps.")
    qwen_dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto", description="Numbers that PRESET=qwen-local computes with: auto, float32, bfloat16 or float16."
    )
    prices: Annotated[dict[str, dict[str, float]], NoDecode] = Field(
        presets.PRICES,
        description="US dollars by network, or network@host: per million tokens of input and output, and per image."
        " JSON that adds to these or takes their place; null makes a price unknown.",
    )
    prices_date: date = Field(date(2026, 11, 1), description="The day on which PRICES were looked up.")
    budget_month: Decimal | None = Field(
        None, ge=0, description="US dollars that all teams together may spend in a calendar month (UTC)."
    )
    team_budget_month: Decimal | None = Field(
        None, ge=0, description="US dollars that a team may spend in a month, where it has no budget of its own."
    )
    audit_days: int = Field(400, description="How long a line of the audit log is kept, 30 days at least; 0: for ever.")
    ledger_days: int = Field(400, ge=1, description="How long each call to a paid server is kept; daily sums stay.")
    qwen_download: bool = Field(False, description="Fetch missing weights from the Hugging Face hub at the start.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = Field(
        "INFO", description="DEBUG, INFO, WARNING, ERROR or CRITICAL: the least that is logged."
    )
    workers: int = Field(0, ge=0, le=64, description="Processes for decoding and embedding; 0 means by cores.")
    read_workers: int = Field(1, ge=1, le=64, description="Processes for reading text out of pictures.")
    embeds_at_once: int = Field(4, ge=1, le=64, description="Batches that a worker has embedded elsewhere at a time.")
    probe_seconds: float = Field(
        15.0, ge=0.1, le=600, description="How often a server that is away is asked whether it is back."
    )
    space_kept_days: int = Field(7, ge=1, description="Days that vectors of an earlier embedder are kept to go back.")
    record_clicks: bool = Field(
        True, description="Note which hits people open: weak judgements, by which search is measured."
    )
    captions_at_once: int = Field(4, ge=1, le=64, description="Pictures that a captioner is asked about at a time.")
    read_pictures: bool = Field(True, description="Read the text in pictures, and tag what they show.")
    lease_seconds: float = Field(60, ge=1, le=3600, description="How long a silent worker keeps its jobs.")
    sample_library: bool = Field(True, description="Put the sample library in on the first start.")
    trusted_proxies: Annotated[list[str], NoDecode] = Field(
        [], description="Addresses or networks of proxies whose VISITOR_HEADER is believed, comma separated."
    )
    metrics_addresses: Annotated[list[str], NoDecode] = Field(
        ["127.0.0.1", "::1"], description="Addresses that may read /metrics, comma separated."
    )

    @model_validator(mode="before")
    @classmethod
    def _secrets_from_files(cls, values: dict[str, Any]) -> dict[str, Any]:
        for name in ("secret_key", "database_url", "broker_url", *KEYS):
            path = os.environ.get(f"{name.upper()}_FILE")
            if path and name not in values:
                try:
                    values[name] = Path(path).read_text(encoding="utf-8").strip()
                except (OSError, UnicodeDecodeError):
                    raise ValueError(f"{name.upper()}_FILE={path}: no text can be read there.") from None
        return values

    @field_validator(*LISTS, mode="before")
    @classmethod
    def _split_commas(cls, value: Any) -> Any:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator(
        "database_url",
        "broker_url",
        "secret_key",
        "bind",
        "files_url",
        *URLS,
        *KEYS,
        *NETWORKS,
        *BUDGETS,
        mode="before",
    )
    @classmethod
    def _empty_is_unset(cls, value: Any) -> Any:
        return None if value == "" else value

    @field_validator("prices", mode="before")
    @classmethod
    def _over_the_known_prices(cls, value: Any) -> Any:
        return presets.with_known(value)

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: Any) -> Any:
        return value.upper() if isinstance(value, str) else value

    @field_validator(*SCHEMES)
    @classmethod
    def _known_scheme(cls, value: Any, field: ValidationInfo) -> Any:
        known = SCHEMES[str(field.field_name)]
        # libpq knows a second form: host=... dbname=...
        pairs = field.field_name == "database_url" and value is not None and "=" in _plain(value)
        if value is not None and not pairs and not _plain(value).startswith(known):
            raise ValueError(f"it must begin with {' or '.join(known)}")
        if value is not None and field.field_name in URLS and (not urlsplit(value).hostname or set(value) & set("?#")):
            raise ValueError("it must name a host and a path, like https://host/v1")
        return value

    @field_validator("audit_days")
    @classmethod
    def _long_enough(cls, value: int) -> int:
        if value < 0 or 0 < value < 30:
            raise ValueError("it must be 30 at least, or 0 for ever")
        return value

    @field_validator("files_url")
    @classmethod
    def _is_an_origin(cls, value: str | None) -> str | None:
        return value and exposure.origin(value)

    @model_validator(mode="after")
    def _not_like_this(self) -> Self:
        if sentences := list(exposure.never(self)):
            raise ValueError("\n".join(sentences))
        return self

    @model_validator(mode="after")
    def _stages_fit_together(self) -> Self:
        if sentences := list(presets.wrong(dict(self))):
            raise ValueError("\n".join(sentences))
        return self

    @field_validator("earlier_keys")
    @classmethod
    def _are_pairs(cls, value: SecretStr | None) -> SecretStr | None:
        presets.earlier_keys(_plain(value or ""))
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: list[str]) -> list[str]:
        for one in value:
            try:
                ipaddress.ip_network(one, strict=False)
            except ValueError:
                raise ValueError("it must be addresses or networks like 10.0.0.2 or 10.0.0.0/24") from None
        return value

    @field_validator("data_dir", "media_root")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().resolve()

    @property
    def socket_dir(self) -> Path:
        """0700 directory of the unix sockets; outside DATA_DIR only when that path is too long for a socket."""
        near = self.data_dir / "run"
        if len(os.fsencode(near)) <= SOCKET_DIR_LIMIT:
            return near
        digest = hashlib.sha256(os.fsencode(self.data_dir)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"searchsite-{os.getuid()}-{digest}"

    @property
    def inference_socket(self) -> Path:
        """Unix socket of the embedded inference server."""
        return self.socket_dir / "inference.sock"

    @property
    def broker_socket(self) -> Path:
        """Unix socket of the embedded broker."""
        return self.socket_dir / "broker.sock"


def _plain(value: str | SecretStr) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def _sentence(name: str, message: str) -> str:
    """What is wrong with a setting, without its value, which may be a secret."""
    said = message.removeprefix("Value error, ")
    return f"The setting {name.upper()} is wrong: {said[:1].lower()}{said[1:]}." if name else said


@lru_cache(maxsize=1)
def load() -> Config:
    """Read the environment once per process. Raises BadSettings."""
    try:
        return Config()
    except ValidationError as error:
        wrong = [(".".join(map(str, fault["loc"])), fault["msg"]) for fault in error.errors()]
        raise BadSettings("\n".join(_sentence(name, message) for name, message in wrong)) from None

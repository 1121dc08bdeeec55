"""Who can reach the site, and what must hold before others do; what does not is told in plain sentences."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Protocol
from urllib.parse import urlsplit

from pydantic import SecretStr

# Of keys of 32 hexadecimal digits by lot one in ten thousand has fewer than ten different ones: no sign of a weak one.
LEAST_KEY, LEAST_LETTERS = 32, 8
# Of keys that stand in manuals, and of those that people write themselves.
KNOWN = re.compile(r"insecure|change.?(me|this)|secret.?key|your.?key|example|password|0123456|abcdef", re.IGNORECASE)
ANEW = "leave SECRET_KEY out, or make one: openssl rand -base64 48."


class Settings(Protocol):
    """What is asked about."""

    @property
    def debug(self) -> bool: ...
    @property
    def host(self) -> str: ...
    @property
    def bind(self) -> str | None: ...
    @property
    def https(self) -> bool: ...
    @property
    def insecure_http(self) -> bool: ...
    @property
    def files_url(self) -> str | None: ...
    @property
    def secret_key(self) -> SecretStr | None: ...


def is_loopback(host: str) -> bool:
    """Whether an address is this machine's own, which no other reaches."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def reached_at(settings: Settings) -> str:
    """The address that others would use: where a container's port is published, else the one that is listened on."""
    if not settings.bind:
        return settings.host
    host, colon, _port = settings.bind.rpartition(":")
    return host if colon and host else "0.0.0.0"  # nosec B104 - nothing is bound here


def is_public(settings: Settings) -> bool:
    """Whether others than this machine reach it, by themselves or through a proxy that speaks https."""
    return settings.https or not is_loopback(reached_at(settings))


def never(settings: Settings) -> Iterator[str]:
    """What no program of the house may be started with."""
    if settings.debug and not is_loopback(settings.host):
        yield (
            f"DEBUG=true shows the inside of the site to whoever reaches {settings.host}:"
            " set HOST=127.0.0.1, or leave DEBUG out."
        )
    elif settings.debug and settings.https:
        yield "DEBUG=true shows the inside of the site to whoever reaches it by https: leave DEBUG or HTTPS out."
    if settings.https and settings.files_url and not settings.files_url.startswith("https://"):
        yield "HTTPS=true, but FILES_URL is not https: browsers would show no pictures."


def in_the_way(settings: Settings) -> Iterator[str]:
    """Why the site may not be served to others yet."""
    if not is_public(settings):
        return
    where = reached_at(settings)
    if settings.debug:
        yield f"DEBUG=true shows the inside of the site to whoever reaches {where}: leave DEBUG out."
    if not settings.https and not settings.insecure_http:
        yield (
            f"Others reach {where} without https, so that passwords and files could be read on their way:"
            " let a proxy speak https and set HTTPS=true, or listen on HOST=127.0.0.1 alone."
            " In a network that you trust, INSECURE_HTTP=true says that it shall be so."
        )
    if settings.secret_key is not None and (weakness := weak(settings.secret_key.get_secret_value())):
        yield f"SECRET_KEY {weakness}, and whoever guesses it signs in as anybody: {ANEW}"


def weak(key: str) -> str:
    """What is wrong with a key; empty where nothing is."""
    if len(key) < LEAST_KEY:
        return f"is shorter than {LEAST_KEY} characters"
    if len(set(key)) < LEAST_LETTERS:
        return f"has fewer than {LEAST_LETTERS} different characters"
    return "looks like one from a manual" if KNOWN.search(key) else ""


def origin(value: str) -> str:
    """The scheme, host and port of an address that has nothing else. Raises ValueError."""
    found = value.rstrip("/").lower()
    parts = urlsplit(found)
    if not re.fullmatch(r"https?://(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(:[0-9]{1,5})?", found) or not parts.hostname:
        raise ValueError("it must be a host alone, like https://files.example.org")
    return found

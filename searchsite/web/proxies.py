"""Who asks, where a proxy stands between: its word is taken only where it is known."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
PASSED_ON = ("HTTP_X_FORWARDED_", "HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_VIA")
"""How the names of headers begin that a proxy adds."""


class Proxies:
    """Puts the address of the visitor in the place of that of TRUSTED_PROXIES. All else in the header is a claim.

    `request.passed_on` says that somebody else passed the request on, whatever it says of where it comes from.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.passed_on = _is_passed_on(request.META)  # type: ignore[attr-defined]
        request.META["REMOTE_ADDR"] = address_in(request.META)
        return self.get_response(request)


def address_in(environ: Mapping[str, Any]) -> str:
    """Where the visitor is that this request came from."""
    here, trusted = str(environ.get("REMOTE_ADDR", "")), tuple(settings.CONFIG.trusted_proxies)
    return visitor(here, environ.get(_header(), ""), trusted) if trusted else here


def _header() -> str:
    """What the server calls it. X_Forwarded_For is called the same as X-Forwarded-For, and may take its place."""
    return f"HTTP_{settings.CONFIG.visitor_header.upper().replace('-', '_')}"


def _is_passed_on(environ: Mapping[str, Any]) -> bool:
    header = _header()
    return any(name.startswith(PASSED_ON) or name == header for name in environ)


def visitor(here: str, forwarded: str, trusted: tuple[str, ...]) -> str:
    """Of the addresses on the way, from here backwards, the first that is no known proxy's."""
    for said in reversed([*forwarded.split(","), here]):
        one = said.strip()
        if not _is_address(one):
            break
        here = one
        if not is_one(one, trusted):
            break
    return here


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=1024)
def is_one(address: str, trusted: tuple[str, ...]) -> bool:
    """Whether this address is a known proxy's."""
    one = ipaddress.ip_address(address)
    return any(one in network for network in _networks(trusted))


@lru_cache(maxsize=4)
def _networks(trusted: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(one, strict=False) for one in trusted)

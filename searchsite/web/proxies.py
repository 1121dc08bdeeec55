"""Who asks, where a proxy stands between: its word is taken only where it is known."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
HEADER = "HTTP_X_FORWARDED_FOR"


class Proxies:
    """Puts the address of the visitor in the place of that of TRUSTED_PROXIES. All else in the header is a claim.

    `request.passed_on` says that somebody else passed the request on: where it comes from is not known.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        address = address_in(request.META)
        request.passed_on = HEADER in request.META and address == request.META.get("REMOTE_ADDR")  # type: ignore[attr-defined]
        request.META["REMOTE_ADDR"] = address
        return self.get_response(request)


def address_in(environ: Mapping[str, Any]) -> str:
    """Where the visitor is that this request came from."""
    here, trusted = str(environ.get("REMOTE_ADDR", "")), tuple(settings.CONFIG.trusted_proxies)
    return visitor(here, environ.get(HEADER, ""), trusted) if trusted else here


def visitor(here: str, forwarded: str, trusted: tuple[str, ...]) -> str:
    """Of the addresses on the way, from here backwards, the first that is no known proxy's."""
    for said in reversed([*forwarded.split(","), here]):
        one = said.strip()
        if not _is_address(one):
            break
        here = one
        if not _within(one, trusted):
            break
    return here


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=1024)
def _within(address: str, trusted: tuple[str, ...]) -> bool:
    one = ipaddress.ip_address(address)
    return any(one in network for network in _networks(trusted))


@lru_cache(maxsize=4)
def _networks(trusted: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(one, strict=False) for one in trusted)

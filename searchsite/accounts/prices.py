"""What calls cost: the table of prices in the settings, asked by a network's name and its server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from ipaddress import ip_address
from types import MappingProxyType
from urllib.parse import urlsplit

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from searchsite import config

MILLION = Decimal(1_000_000)
CENT = Decimal("0.01")


@dataclass(frozen=True)
class Rate:
    """US dollars per million tokens in and out, and per picture; None where the table says nothing."""

    input: Decimal | None = None
    output: Decimal | None = None
    image: Decimal | None = None

    @property
    def is_free(self) -> bool:
        """Whether it is listed with zeros alone."""
        return not any((self.input, self.output, self.image))

    def cost(self, tokens: int, *, output_tokens: int = 0, pictures: int = 0) -> Decimal | None:
        """What so much costs; None where the table leaves a part of it out, or where nothing was counted."""
        if self.is_free:
            return Decimal(0)
        by_picture = pictures * self.image if pictures and self.image is not None else None
        if (self.input is None and by_picture is None) or (output_tokens and self.output is None):
            return None
        if not tokens and not output_tokens and by_picture is None:
            return None
        priced = tokens * (self.input or 0) + output_tokens * (self.output or 0)
        return priced / MILLION + (by_picture or 0)


FREE = Rate(Decimal(0), Decimal(0), Decimal(0))


@dataclass(frozen=True)
class Estimate:
    """What something would cost, by the prices of a day."""

    cost: Decimal | None
    date: date

    def __str__(self) -> str:
        if self.cost is None:
            return "at a price that is not known"
        return f"about {dollars(self.cost)} (prices of {self.date})"


def table() -> Mapping[str, Rate]:
    """All prices, by the network's name in small letters."""
    listed = config.load().prices
    return MappingProxyType(
        {name: Rate(**{unit: _exact(one) for unit, one in of.items()}) for name, of in listed.items()}
    )


def rate_of(network: str, host: str = "") -> Rate | None:
    """The price of a network at a server (a host, and perhaps a port); None where nobody knows.

    A name is found in any case, and with or without its vendor before it. `network@host` and `@host` are of that
    server alone, and go first. What the table says nothing of is free on this machine and at private addresses.
    """
    rates, name, host = table(), network.lower(), host.lower()
    ported, portless = f"@{host}", f"@{urlsplit(f'//{host}').hostname}"
    for place in (ported, portless, ""):
        found = _named(name, place, rates) or (rates.get(place) if place else None)
        if found is not None:
            return found
    return FREE if is_ours(host) else None


def is_ours(host: str) -> bool:
    """Whether a server is on this machine or at a private address, where nobody sends a bill."""
    name = urlsplit(f"//{host}").hostname or ""
    try:
        return ip_address(name).is_private
    except ValueError:
        return name == "localhost"


def _named(name: str, place: str, rates: Mapping[str, Rate]) -> Rate | None:
    """The price of a name among the keys of a place."""
    if name + place in rates:
        return rates[name + place]
    bare = name.rpartition("/")[2]
    if bare != name:
        return rates.get(bare + place)
    # Two vendors may sell the same network: without a vendor's name, no price is right then.
    keys = [key.partition("@") for key in rates]
    named = {rates[a + at + b] for a, at, b in keys if at + b == place and a and a.rpartition("/")[2] == name}
    return named.pop() if len(named) == 1 else None


def dollars(amount: Decimal) -> str:
    """An amount for people: cents, or two digits that count where it is less than a cent."""
    digits = 2 if amount == 0 or abs(amount) >= CENT else 1 - amount.adjusted()
    return _written(f"{amount:.{digits}f}")


def exactly(amount: Decimal) -> str:
    """An amount that somebody set, with all of its digits, and two after the point at least."""
    return _written(f"{max(amount, amount.quantize(CENT), key=_digits):f}")


def _written(amount: str) -> str:
    # Translators: an amount of US dollars.
    return _("$%(amount)s") % {"amount": number_format(amount, force_grouping=True)}


def _digits(number: Decimal) -> int:
    return -int(number.as_tuple().exponent)


def _exact(amount: float) -> Decimal:
    """The amount as it was written."""
    return Decimal(str(amount))

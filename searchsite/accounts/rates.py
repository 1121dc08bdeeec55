"""How often somebody may ask: buckets of tokens, shared by all web processes through the broker's server.

What is counted is worth nothing a minute later, so it lies in memory; where that server is away, each process counts
for itself, and nobody is kept out by its loss.
"""

from __future__ import annotations

import ipaddress
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

import redis
import structlog
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

log = structlog.get_logger()
PREFIX = "searchsite:rate:"
# A server that stands still costs a request no more than this, and is then left alone for a while.
ANSWER_SECONDS, ALONE_SECONDS = 0.25, 5.0
MOST_KEPT = 10_000


@dataclass(frozen=True)
class Rule:
    """So many a minute, by a setting; a fresh bucket holds those of `burst` seconds."""

    name: str
    setting: str
    burst: float
    sentence: str

    @property
    def per_minute(self) -> int:
        """How many a minute; 0: as many as one likes."""
        return int(getattr(settings.CONFIG, self.setting))

    @property
    def most(self) -> float:
        """How many may come at once."""
        return max(1.0, self.per_minute * self.burst / 60)


REQUESTS = Rule("requests", "requests_per_minute", 10, gettext_noop("That was very much in a short time."))
VISITS = Rule("visits", "visits_per_minute", 20, gettext_noop("Too much is asked from your address."))
SEARCHES = Rule("searches", "searches_per_minute", 2, gettext_noop("These were many searches in a short time."))
UPLOADS = Rule("uploads", "uploads_per_minute", 10, gettext_noop("These were many uploads in a short time."))
TEAM_UPLOADS = Rule(
    "team-uploads", "team_uploads_per_minute", 10, gettext_noop("Your team puts very much in just now.")
)
QUESTIONS = Rule("questions", "questions_per_minute", 20, gettext_noop("These were many questions in a short time."))
PICTURES = Rule("pictures", "pictures_per_minute", 20, gettext_noop("You searched by many pictures in a short time."))
RULES = (REQUESTS, VISITS, SEARCHES, UPLOADS, TEAM_UPLOADS, QUESTIONS, PICTURES)

Claim = tuple[Rule, str]
# All buckets are looked at before anything is taken of one, in one step: a refusal costs nothing.
TAKE = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local wait, which, left = 0, 0, {}
for i, key in ipairs(KEYS) do
  local rate, most, amount = tonumber(ARGV[3 * i - 2]), tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i])
  local kept = redis.call('HMGET', key, 'left', 'at')
  local have = most
  if kept[1] then have = math.min(most, tonumber(kept[1]) + math.max(0, now - tonumber(kept[2])) * rate) end
  left[i] = have - amount
  if left[i] < 0 and -left[i] / rate > wait then wait, which = -left[i] / rate, i end
end
if which > 0 then return {which, math.ceil(wait)} end
for i, key in ipairs(KEYS) do
  redis.call('HSET', key, 'left', string.format('%.4f', left[i]), 'at', string.format('%.0f', now))
  redis.call('PEXPIRE', key, math.ceil(ARGV[3 * i - 1] / ARGV[3 * i - 2]) + 1000)
end
return {0, 0}
"""


class TooOften(Exception):
    """Somebody asks more often than they may. `retry_after`: whole seconds to wait; `str()` is a sentence."""

    def __init__(self, rule: Rule, seconds: float) -> None:
        self.rule = rule
        self.retry_after = max(1, math.ceil(seconds))
        later = ngettext("Try again in %(n)d second.", "Try again in %(n)d seconds.", self.retry_after)
        super().__init__(" ".join((_(rule.sentence), later % {"n": self.retry_after})))


def spend(*claims: Claim, amount: int = 1) -> None:
    """Count so many for each rule and the one whom it is about, or for none of them. Raises TooOften."""
    counted = [claim for claim in claims if claim[0].per_minute]
    if not counted:
        return
    which, milliseconds = _store.take(counted, amount)
    if which:
        rule = counted[which - 1][0]
        log.info("asked too often", rule=rule.name, who=counted[which - 1][1])
        raise TooOften(rule, milliseconds / 1000)


def address_of(value: str) -> str:
    """Whom an address stands for: of IPv6 its network of 64 bits, which one household has."""
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return value
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def _shares(claims: Sequence[Claim], amount: int) -> list[tuple[float, float, float]]:
    """Of each claim: what comes back in a millisecond, the most there is, and what is taken."""
    return [(rule.per_minute / 60_000, rule.most, min(float(amount), rule.most)) for rule, _who in claims]


class _Here:
    """The buckets of this process, for as long as the shared ones are away."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, keys: Sequence[str], shares: Sequence[tuple[float, float, float]]) -> tuple[int, float]:
        now = time.monotonic() * 1000
        with self._lock:
            left, refused = [], (0, 0.0)
            for number, (key, (rate, most, amount)) in enumerate(zip(keys, shares, strict=True), 1):
                had, at = self._left.get(key, (most, now))
                left.append(min(most, had + (now - at) * rate) - amount)
                refused = max(refused, (number, -left[-1] / rate), key=lambda one: one[1])
            if refused[0]:
                return refused
            for key, one in zip(keys, left, strict=True):
                self._left[key] = (one, now)
                self._left.move_to_end(key)
            while len(self._left) > MOST_KEPT:
                self._left.popitem(last=False)
        return 0, 0.0


class _Store:
    """The shared buckets, or those of this process."""

    def __init__(self) -> None:
        self._here = _Here()
        self._alone_until = 0.0

    def take(self, claims: Sequence[Claim], amount: int) -> tuple[int, float]:
        """Which claim is refused (0: none), and how many milliseconds it has to wait."""
        keys = [f"{PREFIX}{rule.name}:{who}" for rule, who in claims]
        shares = _shares(claims, amount)
        if time.monotonic() >= self._alone_until:
            try:
                which, wait = _script(_url())(keys=keys, args=[one for share in shares for one in share])
            except redis.RedisError as error:
                self._alone_until = time.monotonic() + ALONE_SECONDS
                log.warning("rates are counted by each process for itself", error=type(error).__name__)
            else:
                return int(which), float(wait)
        return self._here.take(keys, shares)


def _url() -> str:
    """The broker's address, as its client writes it; Celery has a word of its own for sockets."""
    url: str = settings.CELERY_BROKER_URL
    kind, _colon, path = url.partition("://")
    return f"unix://{unquote(path)}" if kind == "redis+socket" else url


@lru_cache(maxsize=4)
def _script(url: str) -> Any:
    client = redis.Redis.from_url(url, socket_timeout=ANSWER_SECONDS, socket_connect_timeout=ANSWER_SECONDS)
    return client.register_script(TAKE)


_store = _Store()

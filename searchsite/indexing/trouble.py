"""Which networks of the house are not well, and what an operator can do about it; asks the database alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from searchsite import config
from searchsite.indexing import gate, provider, spaces
from searchsite.indexing.models import ProviderPause, Space
from searchsite.inference import plainly
from searchsite.inference.errors import InferenceError, Overloaded, Unauthorised, Unreachable
from searchsite.inference.remedies import setting
from searchsite.inference.selfcheck import STAGES
from searchsite.inference.stages import Endpoint, stages_from
from searchsite.inference.types import Stage

KINDS: Mapping[str, type[InferenceError]] = {"key": Unauthorised, "busy": Overloaded, "down": Unreachable}
FOUND: Mapping[type[InferenceError], str] = {
    Unauthorised: gettext_noop("%(host)s (%(what)s) refuses the key, or it is not paid for"),
    Overloaded: gettext_noop("%(host)s (%(what)s) asks to be left alone for a while"),
    Unreachable: gettext_noop("%(host)s (%(what)s) can't be reached"),
}


@dataclass(frozen=True)
class Trouble:
    """A server that is not well, or a disk. what: the stages or the space that need it. found and advice: sentences.

    since: when it began to fail. until: when it is tried next; past where that is due.
    """

    what: str
    said: str
    found: str
    advice: str
    host: str = ""
    since: datetime | None = None
    until: datetime | None = None

    @property
    def is_left_alone(self) -> bool:
        """Whether nothing is sent there now."""
        return self.until is not None and self.until > timezone.now()


def now() -> list[Trouble]:
    """All that is known to be wrong with the servers that are configured, or that spaces in use were made with."""
    failing = {pause.provider: pause for pause in gate.failing()}
    return list(_troubles(failing)) if failing else []


def of_embedder() -> InferenceError | None:
    """What is known to be wrong with the configured embedder."""
    host = provider.configured().host
    return next((_error(pause) for pause in gate.failing() if pause.provider == host), None)


def _troubles(failing: Mapping[str, ProviderPause]) -> Iterator[Trouble]:
    stages = stages_from(config.load())
    configured: dict[str, dict[Stage, Endpoint]] = {}
    for stage in STAGES:
        endpoint: Endpoint | None = getattr(stages, stage)
        if endpoint is not None and not endpoint.is_local:
            configured.setdefault(endpoint.host, {})[stage] = endpoint
    for host, asked in configured.items():
        if host in failing:
            error, (stage, endpoint) = _error(failing[host]), next(iter(asked.items()))
            yield _trouble(", ".join(asked), failing[host], endpoint, _remedy(error, stage, endpoint))
    for space in spaces.filling():
        endpoint = provider.endpoint_of(space)
        if endpoint.host in failing and endpoint.host not in configured:
            error = _error(failing[endpoint.host])
            yield _trouble(str(space), failing[endpoint.host], endpoint, _remedy_of_space(error, endpoint, space))


def _trouble(what: str, pause: ProviderPause, endpoint: Endpoint, advice: str) -> Trouble:
    error = _error(pause)
    said = next((words for kind, words in plainly.SAID if isinstance(error, kind)), "fails")
    found = _(FOUND[type(error)]) % {"host": endpoint.host, "what": what}
    reason = error.message.removeprefix(f"{endpoint.host}: ").rstrip(".")
    words = f"{found}{': ' if reason else ''}{reason}."
    return Trouble(what, said, words, advice, endpoint.host, pause.since, pause.until)


def _remedy(error: InferenceError, stage: Stage, endpoint: Endpoint) -> str:
    """What `remedies.remedy` says of these errors, in the language of the page."""
    if isinstance(error, Unauthorised):
        words = _("Set %(key)s to a key of %(name)s that is valid and paid for.")
        return words % {"key": setting(stage, "key"), "name": endpoint.name}
    if isinstance(error, Overloaded):
        return _("Try again later; if it stays so, the server needs more room or the provider a higher limit.")
    return _("Start that server, or mend %(url)s.") % {"url": setting(stage, "url")}


def _remedy_of_space(error: InferenceError, endpoint: Endpoint, space: Space) -> str:
    """No setting of a stage has the server of an earlier embedder."""
    if isinstance(error, Unauthorised):
        message = _("Space %(space)d needs it: set EARLIER_KEYS=%(host)s=key to a key that is valid and paid for.")
        return message % {"space": space.pk, "host": endpoint.host}
    message = _("Space %(space)d answers with that server alone: start it, or activate another space.")
    return message % {"space": space.pk}


def _error(pause: ProviderPause) -> InferenceError:
    return KINDS[pause.kind](pause.reason)

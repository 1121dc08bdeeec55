"""Where the whole queue stands, stage by stage, and why what waits waits: for the operators' page, API and command."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from searchsite import config
from searchsite.indexing import gate, holding, plan, provider, reasons, spaces
from searchsite.indexing.models import ProviderPause
from searchsite.inference.stages import Endpoint, stages_from
from searchsite.jobs import failures, pace, pausing
from searchsite.jobs.failures import Failures, plain
from searchsite.jobs.models import Job, StagePause, State
from searchsite.jobs.pace import Held, Standing
from searchsite.library import volumes
from searchsite.library.models import Item
from searchsite.library.volumes import Volume

IDLE, WORKING, WAITING, PAUSED = "idle", "working", "waiting", "paused"


@dataclass(frozen=True)
class Wait:
    """Why some jobs of a stage wait: for a provider, a budget, or another try. How many, and until when, if known."""

    reason: str
    number: int
    until: datetime | None = None
    ours: bool = True
    """Whether it quotes no server, which may quote an item."""


@dataclass(frozen=True)
class Row:
    """One stage."""

    standing: Standing
    failed: int
    cancelled: int
    pause: StagePause | None
    waits: tuple[Wait, ...]
    configured: bool

    @property
    def kind(self) -> str:
        """The stage's name."""
        return self.standing.kind

    @property
    def state(self) -> str:
        """One word for all of it."""
        if self.pause is not None:
            return PAUSED
        if self.standing.running:
            return WORKING
        if self.standing.waiting:
            return WAITING if self.waits else WORKING
        return IDLE

    @property
    def seconds_left(self) -> float | None:
        """How long the rest takes at the pace of late; None while nobody knows."""
        return None if self.pause else self.standing.seconds_left

    @property
    def oldest_seconds(self) -> float | None:
        """How long the one that waits longest has been waiting."""
        oldest = self.standing.oldest
        return None if oldest is None else max(0.0, (timezone.now() - oldest).total_seconds())


@dataclass(frozen=True)
class Board:
    """All stages, and all that has failed."""

    rows: tuple[Row, ...]
    failures: Failures

    @property
    def waiting(self) -> int:
        """How many jobs wait."""
        return sum(row.standing.waiting for row in self.rows)

    @property
    def running(self) -> int:
        """How many jobs run."""
        return sum(row.standing.running for row in self.rows)

    @property
    def failed(self) -> int:
        """How many jobs have failed for good."""
        return sum(row.failed for row in self.rows)

    @property
    def cancelled(self) -> int:
        """How many jobs were cancelled."""
        return sum(row.cancelled for row in self.rows)

    @property
    def seconds_left(self) -> float | None:
        """How long the stage takes that takes longest; None while one of them does not know."""
        busy = [row for row in self.rows if row.standing.waiting + row.standing.running]
        known = [row.seconds_left for row in busy if row.seconds_left is not None]
        return max(known) if known and len(known) == len(busy) else None


def board(
    *, team_id: int | None = None, told: Collection[int] | None = None, seen: QuerySet[Item] | None = None
) -> Board:
    """Where the stages stand, for one team or for all.

    told: of other teams than these nothing is told but numbers. seen: nothing is told of what is said of other items
    than these, by servers that may quote them; None: all may be.
    """
    found = _withheld(_failures(team_id, told), seen)
    low = volumes.short()
    pauses, away = pausing.pauses(), {pause.provider: pause for pause in gate.away()}
    rows = [
        Row(
            standing,
            found.number(kind, State.DEAD),
            found.number(kind, State.CANCELLED),
            pauses.get(kind),
            tuple(
                _plain_waits(_waits(standing, away, told), open=seen is None) if low is None else _low(standing, low)
            ),
            plan.is_configured(kind),
        )
        for kind, standing in pace.standing(plan.BATCH, team_id=team_id).items()
    ]
    return Board(tuple(rows), found)


def _failures(team_id: int | None, told: Collection[int] | None) -> Failures:
    found = failures.grouped(teams=None if team_id is None else [team_id])
    if told is None:
        return found
    return Failures(failures.grouped(teams=told).groups, found.whole, found.counts)


def _low(standing: Standing, low: Volume) -> Iterable[Wait]:
    """While a disk is nearly full nothing is handed out, whatever else jobs wait for."""
    return [Wait(low.held, standing.waiting)] if standing.waiting else []


def _withheld(found: Failures, seen: QuerySet[Item] | None) -> Failures:
    """The failures without the words that are about items that may not be seen."""
    foreign = [group for group in found.groups if not reasons.is_ours(group.said)]
    if seen is None or not foreign:
        return found
    jobs = Job.objects.filter(pk__in=[pk for group in foreign for pk in group.jobs])
    subjects = dict(jobs.values_list("id", "subject"))
    visible = set(seen.filter(pk__in=set(subjects.values())).values_list("pk", flat=True))
    hidden = {id(group) for group in foreign if not visible & {subjects.get(pk) for pk in group.jobs}}
    groups = tuple(failures.sealed(group) if id(group) in hidden else group for group in found.groups)
    return replace(found, groups=groups)


def _plain_waits(waits: Iterable[Wait], *, open: bool) -> Iterable[Wait]:
    """Why jobs wait, without a server's words on items, unless all may be seen."""
    for wait in waits:
        words = _("The last try failed, and another follows. The pages of the items say why.")
        yield wait if open or wait.ours else replace(wait, reason=words)


def _waits(standing: Standing, away: Mapping[str, ProviderPause], told: Collection[int] | None) -> Iterable[Wait]:
    """The reasons, each once: that of a server that is left alone stands for all that wait for it."""
    if not standing.waiting:
        return []
    endpoint = _server(standing.kind) if away else None
    pause = away.get(endpoint.host) if endpoint is not None else None
    if endpoint is not None and pause is not None:
        return [Wait(_server_words(endpoint, pause), standing.waiting, pause.until)]
    spent = holding.reasons(set(standing.teams), standing.kind)
    named = set(standing.teams) if told is None else {*told}
    budgets: dict[str, int] = {}
    for team_id in sorted(named & spent.keys()):
        budgets[spent[team_id]] = budgets.get(spent[team_id], 0) + standing.teams[team_id]
    found = [Wait(sentence, number) for sentence, number in budgets.items()]
    held = [one for one in standing.held if one.team_id in named]
    # Jobs keep their reasons in the language of the workers.
    with translation.override(settings.LANGUAGE_CODE):
        kept = set(holding.reasons(set(standing.teams), standing.kind).values()) if spent else set()
    others = (wait for wait in _others(held) if wait.reason not in kept)
    found += [replace(wait, reason=reasons.translated(wait.reason)) for wait in others]
    unnamed = _unnamed(standing, spent, named)
    return [*found, Wait(_("Jobs of other teams are held up."), unnamed)] if unnamed else found


def _unnamed(standing: Standing, spent: Mapping[int, str], named: Collection[int]) -> int:
    """How many jobs wait for reasons that are not told; a budget holds all of its team."""
    held = sum(one.number for one in standing.held if one.team_id not in {*named, *spent})
    return held + sum(standing.teams[team_id] for team_id in spent if team_id not in named)


def _others(held: Iterable[Held]) -> list[Wait]:
    together: dict[str, Wait] = {}
    for one in held:
        key = plain(one.reason)
        known = together.get(key)
        number = one.number + (known.number if known else 0)
        until = one.until if known is None or known.until is None else max(one.until, known.until)
        together[key] = Wait(one.reason, number, until, reasons.is_ours(one.reason))
    now = timezone.now()
    ordered = sorted(together.values(), key=lambda wait: -wait.number)
    return [wait if wait.until and wait.until > now else replace(wait, until=None) for wait in ordered]


def _server(kind: str) -> Endpoint | None:
    """Whoever does a stage."""
    if kind == plan.EMBED:
        space = spaces.active()
        return provider.configured() if space is None else provider.endpoint_of(space)
    endpoint: Endpoint | None = getattr(stages_from(config.load()), kind, None)
    return endpoint


def _server_words(endpoint: Endpoint, pause: ProviderPause) -> str:
    said = pause.reason.removeprefix(f"{pause.provider}: ").rstrip(".")
    words = _("%(server)s is left alone for a while") % {"server": endpoint.name}
    words = words[:1].upper() + words[1:] if endpoint.is_local else words
    return f"{words}: {said}." if said else f"{words}."

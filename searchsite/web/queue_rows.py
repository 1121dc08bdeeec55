"""What the queue's page shows of each stage and of each failure, ready for the templates."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import F, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format, time_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from searchsite.accounts.models import Team
from searchsite.indexing import board, reasons, trouble, vocabulary
from searchsite.indexing.advice import advice_for
from searchsite.indexing.board import Board, Row
from searchsite.indexing.trouble import Trouble
from searchsite.jobs import failures
from searchsite.jobs.failures import Group
from searchsite.jobs.models import Job, Lane, State
from searchsite.jobs.pace import Standing
from searchsite.library.models import Item
from searchsite.library.numbers import grouped, rounded
from searchsite.library.scope import scope_for
from searchsite.web.doors import MemberRequest
from searchsite.web.templatetags.times import ago, lasting

EXAMPLES, MOST_GROUPS, MOST_SHOWN = 5, 40, 100
SPARK = (120, 28)


@dataclass(frozen=True)
class Spark:
    """A line of what was done per minute, drawn into a box, and the same in words."""

    line: str
    area: str
    words: str


@dataclass(frozen=True)
class ShownJob:
    """One failed job with its item: without a title where the person may not see it."""

    id: int
    title: str
    address: str
    said: str
    attempts: int
    when: str
    may_act: bool


def shown(request: MemberRequest, team_id: int | None) -> dict[str, Any]:
    """All that the live part of the page shows."""
    told = told_teams(request)
    found = board.board(team_id=team_id, told=told, seen=None if told is None else _seen(request))
    groups = found.failures.groups[:MOST_GROUPS]
    jobs = {one.id: one for one in jobs_of(request, [pk for group in groups for pk in group.jobs[:EXAMPLES]])}
    more = {"team": request.GET["team"]} if team_id is not None else {}
    named = Team.objects.all() if told is None else Team.objects.filter(pk__in=told)
    names = dict(named.values_list("id", "name")) if team_id is None else {}
    return {
        "board": found,
        "rows": [_row(row, names) for row in found.rows],
        "groups": [_group(group, jobs, more) for group in groups],
        "more_groups": len(found.failures.groups) - len(groups),
        "servers": [_server(one) for one in trouble.now()],
        "said": _said(found),
        "left": lasting(found.seconds_left),
    }


def told_teams(request: MemberRequest) -> Collection[int] | None:
    """Of which teams more is told than numbers: of a superuser's all, of others' those they are in."""
    if request.user.is_superuser:
        return None
    return [one.team_id for one in request.memberships()]  # type: ignore[attr-defined]


def jobs_of(request: MemberRequest, ids: Iterable[int]) -> list[ShownJob]:
    """These jobs, newest first."""
    found = list(Job.objects.filter(pk__in=list(ids)).order_by(F("finished_at").desc(nulls_last=True), "-id"))
    items = _seen(request).in_bulk([job.subject for job in found])
    own = request.membership.team_id if request.membership.may_edit else None
    return [
        ShownJob(
            job.pk,
            items[job.subject].title if job.subject in items else "",
            _address(request, items.get(job.subject)),
            reasons.translated(job.last_error),
            job.attempts,
            ago(job.finished_at),
            request.user.is_superuser or job.team_id == own,
        )
        for job in found
    ]


def may_read(request: MemberRequest, ids: Collection[int], reason: str) -> bool:
    """Whether the reason that these jobs share may be told: it is ours, or that of an item that the person sees."""
    if request.user.is_superuser or reasons.is_ours(reason):
        return not reason.startswith(failures.SEAL)
    subjects = Job.objects.filter(pk__in=list(ids)[: failures.EXAMPLES]).values("subject")
    return not reason.startswith(failures.SEAL) and _seen(request).filter(pk__in=subjects).exists()


def _row(row: Row, names: dict[int, str]) -> dict[str, Any]:
    standing = row.standing
    lanes: dict[int, str] = {Lane.WAITING: _("a person waits"), Lane.NORMAL: _("normal"), Lane.BULK: _("in bulk")}
    return {
        "row": row,
        "kind": row.kind,
        "standing": standing,
        "oldest": lasting(row.oldest_seconds),
        "left": lasting(row.seconds_left),
        "rate": _rate(standing),
        "spark": _spark(standing.minutes),
        "lanes": [(str(lanes.get(lane, lane)), number) for lane, number in sorted(standing.lanes.items())],
        "teams": _teams(standing, names) if names else [],
        "waits": [
            (wait, time_format(timezone.localtime(wait.until), "TIME_FORMAT") if wait.until else "")
            for wait in row.waits[:4]
        ],
    }


def _teams(standing: Standing, names: dict[int, str]) -> list[tuple[str, int]]:
    """How many jobs wait of each team that may be named, and of the others together."""
    named = Counter({pk: number for pk, number in standing.teams.items() if pk in names}).most_common(12)
    rows = [(names[pk], number) for pk, number in named]
    others = standing.waiting - sum(number for _pk, number in named)
    return [*rows, (_("Other teams"), others)] if others else rows


def _group(group: Group, jobs: dict[int, ShownJob], more: dict[str, str]) -> dict[str, Any]:
    listed = [jobs[pk] for pk in group.jobs[:EXAMPLES] if pk in jobs]
    alone = group.count == 1 or group.said == group.reason
    words = reasons.translated(group.said) if alone else group.reason
    if group.is_sealed:
        words = _("Its server said something of an item that you may not see.")
    elif not words:
        words = _("Cancelled by a person") if group.state == State.CANCELLED else _("Without a reason")
    names = {"kind": group.kind, "state": group.state, "reason": group.reason}
    key = hashlib.sha256(repr(names).encode()).hexdigest()[:10]
    return {
        "group": group,
        "words": words,
        "advice": advice_for(group.kind, group.said) if group.state == State.DEAD else "",
        "jobs": listed,
        "when": ago(group.newest),
        "key": key,
        "address": urlencode(names | more),
    }


def _server(found: Trouble) -> dict[str, Any]:
    """A server that is not well, with the times at which it began to fail and is tried again."""
    since = timezone.localtime(found.since)
    today = since.date() == timezone.localdate()
    return {
        "host": found.host,
        "words": found.found,
        "advice": found.advice,
        "since": time_format(since, "TIME_FORMAT") if today else date_format(since, "SHORT_DATETIME_FORMAT"),
        "until": time_format(timezone.localtime(found.until), "TIME_FORMAT") if found.is_left_alone else "",
    }


def _rate(standing: Standing) -> str:
    rate = standing.rate
    return rounded(rate, 0 if rate >= 10 else 1)


def _spark(minutes: list[int]) -> Spark | None:
    """Nothing, where nothing was done."""
    if not any(minutes):
        return None
    width, height = SPARK
    most, step = max(minutes), width / (len(minutes) - 1)
    points = [
        (round(place * step, 1), round(height - 1 - (height - 3) * number / most, 1))
        for place, number in enumerate(minutes)
    ]
    line = " ".join(f"{x},{y}" for x, y in points)
    words = ngettext(
        "Done per minute in the last half hour: %(most)s at most, %(now)s in the last minute",
        "Done per minute in the last half hour: %(most)s at most, %(now)s in the last minute",
        most,
    )
    return Spark(line, f"0,{height} {line} {width},{height}", words % {"most": most, "now": minutes[-1]})


def _said(found: Board) -> str:
    """What is worth saying aloud: no counts that change all the time."""
    paused = [vocabulary.stage_name(row.kind) for row in found.rows if row.state == board.PAUSED]
    busy = found.waiting + found.running
    said = [_("There is work to do.") if busy else _("Nothing waits.")]
    if paused:
        said.append(_("Paused: %(stages)s.") % {"stages": ", ".join(paused)})
    if found.failed:
        words = ngettext("%(n)s job has failed.", "%(n)s jobs have failed.", found.failed)
        said.append(words % {"n": grouped(found.failed)})
    return " ".join(said)


def _seen(request: MemberRequest) -> QuerySet[Item]:
    """Items whose titles the person may see: in all the teams they are in, or everywhere."""
    items = Item.objects.only("id", "public_id", "title", "collection_id")
    if request.user.is_superuser:
        return items
    scopes = [scope_for(request.user, one.team_id) for one in request.memberships()]  # type: ignore[attr-defined]
    return items.filter(collection_id__in=[pk for scope in scopes for pk in scope.collection_ids])


def _address(request: MemberRequest, item: Item | None) -> str:
    if item is None:
        return ""
    if item.collection_id in request.scope.collection_ids:
        return reverse("item", args=[item.public_id])
    return reverse("admin:library_item_change", args=[item.pk]) if request.user.is_superuser else ""

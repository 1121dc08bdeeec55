"""What the results can be narrowed by, each value with its count and its address."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from django.http import QueryDict
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from searchsite.library.models import named
from searchsite.library.numbers import grouped
from searchsite.search.facets import Facets, Value
from searchsite.web import narrowing
from searchsite.web.templatetags.look import kind_name

AT_ONCE = 8


@dataclass(frozen=True)
class Choice:
    """One value that can be ticked; `count` is written as people read it."""

    value: str
    label: str
    count: str
    chosen: bool


@dataclass(frozen=True)
class Group:
    """The values of one filter; `rest` are those that are folded away."""

    name: str
    label: str
    choices: Sequence[Choice]
    rest: Sequence[Choice] = ()


@dataclass(frozen=True)
class Span:
    """A month, or a year with its months, as an address that narrows to it, or frees from it where it is chosen."""

    label: str
    count: str
    url: str
    after: str
    before: str
    chosen: bool
    months: Sequence[Span] = ()

    @property
    def is_open(self) -> bool:
        """Whether it, or one of its months, is what is looked at."""
        return self.chosen or any(month.chosen for month in self.months)


def shown(found: Facets, params: QueryDict) -> dict[str, Any]:
    """Return the groups and the years for the template."""
    return {
        "groups": [group for name in ("kind", "collection", "tag") if (group := _group(name, found, params)).choices],
        "held": _held(found, params),
        "people": _group("by", found, params),
        "years": _years(found, params),
        "lately": _lately(params),
        "capped": bool(found.capped),
    }


def _held(found: Facets, params: QueryDict) -> list[tuple[str, str]]:
    """What is asked for, and is none of the choices: the form has to keep it."""
    known = {one.value for one in found.values.get("collection", ())}
    lost = [("collection", value) for value in params.getlist("collection") if value and value not in known]
    return lost + [("copies", value) for value in params.getlist("copies") if value]


def _group(name: str, found: Facets, params: QueryDict) -> Group:
    labels = {"kind": _("Kind"), "collection": _("Collection"), "tag": _("Tags"), "by": _("Added by")}
    chosen = set(params.getlist(name)) - {""}
    values = list(found.values.get(name, ()))
    # What is chosen can be freed again, also where nothing has it.
    known = {one.value for one in values}
    values += [Value(one, one, 0) for one in sorted(chosen - known)] if name in ("tag", "by", "kind") else []
    capped = name in found.capped
    choices = [Choice(one.value, _label(name, one), _written(one.count, capped), one.value in chosen) for one in values]
    if name == "kind" or len(choices) <= AT_ONCE:
        return Group(name, labels[name], choices)
    first = [*(one for one in choices if one.chosen), *(one for one in choices if not one.chosen)]
    return Group(name, labels[name], first[:AT_ONCE], first[AT_ONCE:])


def _label(name: str, one: Value) -> str:
    return kind_name(one.value) if name == "kind" else named(one.label, one.purpose)


def _years(found: Facets, params: QueryDict) -> list[Span]:
    capped = "month" in found.capped
    months = list(found.values.get("month", ()))
    years = []
    for year, own in groupby(months, key=lambda one: int(one.value[:4])):
        within = list(own)
        spans = [_month(one, params, capped) for one in within]
        days = (date(year, 1, 1), date(year + 1, 1, 1))
        years.append(Span(**_span(str(year), _total(within), params, capped=capped, days=days), months=spans))
    return years


def _lately(params: QueryDict) -> list[Span]:
    """The last days up to now, today among them. They are not counted: months are."""
    today = timezone.localdate()
    labels = {7: _("Last 7 days"), 30: _("Last 30 days"), 365: _("Last 365 days")}
    return [_since(label, today - timedelta(days - 1), params) for days, label in labels.items()]


def _since(label: str, first: date, params: QueryDict) -> Span:
    after = first.isoformat()
    chosen = (params.get("after"), params.get("before", "")) == (after, "")
    free = ("after", "before", *narrowing.PLACE)
    url = narrowing.address(params, drop=free, **({} if chosen else {"after": after}))
    return Span(label, "", url, after, "", chosen)


def _month(one: Value, params: QueryDict, capped: bool) -> Span:
    first = date.fromisoformat(f"{one.value}-01")
    days = (first, date(first.year + first.month // 12, first.month % 12 + 1, 1))
    return Span(**_span(date_format(first, "F"), one.count, params, capped=capped, days=days))


def _span(label: str, count: int, params: QueryDict, *, capped: bool, days: tuple[date, date]) -> dict[str, Any]:
    after, before = (day.isoformat() for day in days)
    chosen = (params.get("after"), params.get("before")) == (after, before)
    free = ("after", "before", *narrowing.PLACE)
    url = narrowing.address(params, drop=free, **({} if chosen else {"after": after, "before": before}))
    written = _written(count, capped)
    return {"label": label, "count": written, "url": url, "after": after, "before": before, "chosen": chosen}


def _total(values: Iterable[Value]) -> int:
    return sum(one.count for one in values)


def _written(count: int, capped: bool) -> str:
    return grouped(count) + ("+" if capped else "")

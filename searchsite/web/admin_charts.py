"""Charts as numbers to draw: the template makes SVG of them, without a script, with a table beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.template.defaultfilters import filesizeformat

from searchsite.library.models import Kind
from searchsite.web.admin_figures import Stored

WIDTH, HEIGHT, FLOOR, LEFT = 720, 220, 190, 44
GAP = 3
BAR, ROW = 420, 34
MOST_ROWS = 8
KINDS = (Kind.IMAGE, Kind.SCREENSHOT, Kind.TEXT)


@dataclass(frozen=True)
class Box:
    """A part of a bar. `kind` is its class."""

    kind: str
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Day:
    """One bar of the chart by days. `counts` are in the order of the kinds."""

    day: date
    boxes: tuple[Box, ...]
    counts: tuple[int, ...]
    total: int
    x: int
    width: int
    label: bool


@dataclass(frozen=True)
class Line:
    """A line of the grid, with what it stands for."""

    y: int
    value: int


@dataclass(frozen=True)
class Days:
    """The chart of items by day and kind."""

    days: tuple[Day, ...]
    lines: tuple[Line, ...]
    total: int
    width: int = WIDTH
    height: int = HEIGHT
    floor: int = FLOOR
    left: int = LEFT


@dataclass(frozen=True)
class Row:
    """One bar of the chart of what is stored where."""

    stored: Stored
    y: int
    originals: int
    derivatives: int

    @property
    def sizes(self) -> tuple[str, str]:
        """For people."""
        return filesizeformat(self.stored.originals), filesizeformat(self.stored.derivatives)


def by_day(daily: Mapping[tuple[date, str], int], today: date, days: int) -> Days:
    """Bars of the last days, today's on the right."""
    moments = [today - timedelta(days=back) for back in reversed(range(days))]
    counts = [tuple(daily.get((day, kind), 0) for kind in KINDS) for day in moments]
    top = nice(max((sum(one) for one in counts), default=0))
    step = (WIDTH - LEFT) / days
    shown = []
    for number, (day, some) in enumerate(zip(moments, counts, strict=True)):
        x, wide = round(LEFT + number * step), round(step) - GAP
        shown.append(Day(day, _stacked(some, x, wide, top), some, sum(some), x, wide, number % 7 == days % 7 - 1))
    lines = tuple(Line(round(FLOOR - (FLOOR - 10) * part / 2), top * part // 2) for part in (0, 1, 2))
    return Days(tuple(shown), lines, sum(map(sum, counts)))


def by_place(stored: Sequence[Stored]) -> tuple[Row, ...]:
    """Bars of the largest; the rest is one more."""
    some = list(stored[:MOST_ROWS])
    if len(stored) > MOST_ROWS:
        rest = stored[MOST_ROWS:]
        sums = (
            sum(one.items for one in rest),
            sum(one.originals for one in rest),
            sum(one.derivatives for one in rest),
        )
        some.append(Stored("…", *sums))
    top = max((one.originals + one.derivatives for one in some), default=0) or 1
    return tuple(
        Row(one, ROW * number, round(BAR * one.originals / top), round(BAR * one.derivatives / top))
        for number, one in enumerate(some)
    )


def nice(number: int) -> int:
    """The next even number that is easy to read."""
    size = 1
    while size * 10 <= number:
        size *= 10
    return next(step * size for step in (2, 4, 6, 8, 10, 20) if step * size >= number)


def _stacked(counts: Sequence[int], x: int, wide: int, top: int) -> tuple[Box, ...]:
    boxes, below = [], 0
    for kind, number in zip(KINDS, counts, strict=True):
        low = round(FLOOR - (FLOOR - 10) * below / top)
        below += number
        high = round(FLOOR - (FLOOR - 10) * below / top)
        # What is there at all is to be seen.
        if number:
            boxes.append(Box(kind.value, x, min(high, low - 1), wide, max(low - high, 1)))
    return tuple(boxes)

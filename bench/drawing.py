"""Small line charts as SVG, by hand: readable on light and dark pages, every point with its number in a tooltip."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 720, 420
LEFT, RIGHT, TOP, BOTTOM = 70, 180, 46, 56
# Distinct in hue and in lightness, on white and on black alike.
COLOURS = ("#d1495b", "#2f7ed8", "#2a9d4a", "#b8860b", "#8a5cd6", "#0f9d9d", "#c2571a", "#7a7a7a")
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #222; }
.title { font-size: 16px; font-weight: 600; }
.grid { stroke: #8883; stroke-width: 1; }
.axis { stroke: #888; stroke-width: 1; }
@media (prefers-color-scheme: dark) { text { fill: #ddd; } .ground { fill: #16181d; } }
@media (prefers-color-scheme: light) { .ground { fill: #fff; } }
"""


@dataclass(frozen=True)
class Line:
    """One series; dashed says that it is extrapolated or a floor."""

    name: str
    points: Sequence[tuple[float, float]]
    dashed: bool = False


@dataclass(frozen=True)
class Axis:
    """What is shown along one side. log: by powers of ten."""

    title: str
    log: bool = False
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class _Scale:
    low: float
    high: float
    log: bool
    begin: float
    end: float

    def at(self, value: float) -> float:
        low, high, here = (math.log10(one) if self.log else one for one in (self.low, self.high, value))
        return self.begin + (here - low) / ((high - low) or 1.0) * (self.end - self.begin)

    def marks(self) -> list[float]:
        """Where the grid is: powers of ten with 2 and 5 between where they are few, or about five steps."""
        if self.log:
            first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
            steps = (1, 2, 5) if last - first <= 3 else (1,)
            every = [step * 10.0**power for power in range(first, last + 1) for step in steps]
        else:
            rough = (self.high - self.low) / 5 or 1.0
            power = 10.0 ** math.floor(math.log10(rough))
            step = next(one * power for one in (1, 2, 5, 10) if one * power >= rough)
            first = math.ceil(self.low / step - 1e-9)
            every = [number * step for number in range(first, int(self.high / step + 1e-9) + 1)]
        return [value for value in every if self.low * (1 - 1e-9) <= value <= self.high * (1 + 1e-9)]


def chart(title: str, across: Axis, up: Axis, lines: Sequence[Line]) -> str:
    """An SVG document. Lines without points are left out."""
    lines = [line for line in lines if line.points]
    if not lines:
        raise ValueError(f"There is nothing to draw: {title}")
    xs = _scale(across, [x for line in lines for x, _ in line.points], LEFT, WIDTH - RIGHT)
    ys = _scale(up, [y for line in lines for _, y in line.points], HEIGHT - BOTTOM, TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f"<title>{escape(title)}</title><style>{STYLE}</style>",
        f'<rect class="ground" width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text class="title" x="{LEFT}" y="24">{escape(title)}</text>',
        *_grid(xs, ys, across.title, up.title),
    ]
    for place, line in enumerate(lines):
        parts += _drawn(line, COLOURS[place % len(COLOURS)], xs, ys)
        parts += _named(line, COLOURS[place % len(COLOURS)], TOP + 14 + place * 22)
    return "\n".join([*parts, "</svg>", ""])


def number(value: float) -> str:
    """As short as it can be said: 200k, 1M, 0.25."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"


def _scale(axis: Axis, values: Sequence[float], begin: float, end: float) -> _Scale:
    low = axis.low if axis.low is not None else (min(values) / 1.05 if axis.log else 0.0)
    high = axis.high if axis.high is not None else max(values) * 1.05
    if high <= low:
        low, high = (low / 2, low * 2) if axis.log else (low, low + 1)
    return _Scale(low, high, axis.log, begin, end)


def _grid(xs: _Scale, ys: _Scale, across: str, up: str) -> Iterator[str]:
    for value in xs.marks():
        x = xs.at(value)
        yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>'
        yield f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{number(value)}</text>'
    for value in ys.marks():
        y = ys.at(value)
        yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{number(value)}</text>'
    middle = (LEFT + WIDTH - RIGHT) / 2
    yield f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{HEIGHT - BOTTOM}" y2="{HEIGHT - BOTTOM}"/>'
    yield f'<text x="{middle}" y="{HEIGHT - 14}" text-anchor="middle">{escape(across)}</text>'
    height = (TOP + HEIGHT - BOTTOM) / 2
    yield (f'<text x="18" y="{height}" text-anchor="middle" transform="rotate(-90 18 {height})">{escape(up)}</text>')


def _drawn(line: Line, colour: str, xs: _Scale, ys: _Scale) -> Iterator[str]:
    places = [(xs.at(x), ys.at(y)) for x, y in line.points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dashes = ' stroke-dasharray="5 4"' if line.dashed else ""
    yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{dashes}/>'
    for (x, y), (value, height) in zip(places, line.points, strict=True):
        said = f"{escape(line.name)}: {number(value)}, {number(height)}"
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"><title>{said}</title></circle>'


def _named(line: Line, colour: str, y: float) -> Iterator[str]:
    x = WIDTH - RIGHT + 16
    dashes = ' stroke-dasharray="5 4"' if line.dashed else ""
    yield f'<line x1="{x}" x2="{x + 22}" y1="{y - 4}" y2="{y - 4}" stroke="{colour}" stroke-width="3"{dashes}/>'
    yield f'<text x="{x + 28}" y="{y}">{escape(line.name)}</text>'

"""Line plots as SVG, written by hand: small, diffable, and readable on light and dark pages."""

from __future__ import annotations

import math
from html import escape

from bench.section import Plot

WIDTH, HEIGHT = 640, 320
LEFT, RIGHT, TOP, BOTTOM = 64, 28, 40, 48
COLOURS = ("#0b84a5", "#ca472f", "#6f4e7c", "#8dab2f")

HEAD = f'xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="11"'


class Axis:
    """Maps the values of one axis to coordinates. A linear axis starts at 0."""

    def __init__(self, values: list[float], start: float, end: float, *, log: bool) -> None:
        self.start, self.end, self.log = start, end, log
        if log:
            self.low = 10.0 ** math.floor(math.log10(min(values)))
            self.high = 10.0 ** math.ceil(math.log10(max(values)))
        else:
            self.low, self.high = 0.0, _ceiling(max(values))

    def place(self, value: float) -> float:
        low, high, value = (
            (math.log10(self.low), math.log10(self.high), math.log10(value))
            if self.log
            else (self.low, self.high, value)
        )
        share = (value - low) / ((high - low) or 1.0)
        return round(self.start + share * (self.end - self.start), 1)

    def ticks(self) -> list[float]:
        if self.log:
            first, last = round(math.log10(self.low)), round(math.log10(self.high))
            return [10.0**power for power in range(first, last + 1)]
        return [self.high * part / 4 for part in range(5)]


def _ceiling(value: float) -> float:
    """The next round number."""
    if value <= 0:
        return 1.0
    unit = 10.0 ** math.floor(math.log10(value))
    return next(unit * step for step in (1, 1.2, 1.6, 2, 3, 4, 5, 6, 8, 10) if unit * step >= value)


def draw(plot: Plot) -> str:
    """The plot as an SVG document."""
    points = [point for line in plot.lines.values() for point in line]
    xs = Axis([x for x, _ in points], LEFT, WIDTH - RIGHT, log=plot.log)
    ys = Axis([y for _, y in points], HEIGHT - BOTTOM, TOP, log=plot.log)
    parts = [
        f'<svg {HEAD} aria-label="{escape(plot.title)}">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        _text(LEFT, 18, plot.title, size=13),
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, plot.x, anchor="middle"),
        _text(LEFT - 8, TOP - 8, plot.y, anchor="end"),
        *_grid(xs, ys),
    ]
    for number, (name, line) in enumerate(plot.lines.items()):
        parts += _line(line, xs, ys, COLOURS[number % len(COLOURS)])
        parts += _legend(name, number, COLOURS[number % len(COLOURS)])
    return "\n".join([*parts, "</svg>"]) + "\n"


def _grid(xs: Axis, ys: Axis) -> list[str]:
    parts = []
    for tick in ys.ticks():
        y = ys.place(tick)
        parts.append(f'<line x1="{LEFT}" y1="{y}" x2="{WIDTH - RIGHT}" y2="{y}" stroke="#ddd"/>')
        parts.append(_text(LEFT - 6, y + 4, f"{tick:,g}", anchor="end"))
    for tick in xs.ticks():
        x = xs.place(tick)
        parts.append(f'<line x1="{x}" y1="{TOP}" x2="{x}" y2="{HEIGHT - BOTTOM}" stroke="#eee"/>')
        parts.append(_text(x, HEIGHT - BOTTOM + 16, f"{tick:,g}", anchor="middle"))
    return parts


def _line(line: list[tuple[float, float]], xs: Axis, ys: Axis, colour: str) -> list[str]:
    places = [(xs.place(x), ys.place(y)) for x, y in line]
    way = " ".join(f"{x},{y}" for x, y in places)
    dots = [f'<circle cx="{x}" cy="{y}" r="2.5" fill="{colour}"/>' for x, y in places] if len(places) < 20 else []
    return [f'<polyline points="{way}" fill="none" stroke="{colour}" stroke-width="2"/>', *dots]


def _legend(name: str, number: int, colour: str) -> list[str]:
    y = TOP + 14 + 16 * number
    x = LEFT + 12
    return [
        f'<line x1="{x}" y1="{y - 4}" x2="{x + 18}" y2="{y - 4}" stroke="{colour}" stroke-width="2"/>',
        _text(x + 24, y, name),
    ]


def _text(x: float, y: float, text: str, *, anchor: str = "start", size: int = 11) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-size="{size}" fill="#333">{escape(text)}</text>'

"""Speed against loss of quality: which ways are worth having, as points and as a picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from xml.sax.saxutils import escape

from reelops.benchmark.report import Figures

_WIDTH, _HEIGHT = 640, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 72, 24, 40, 56
_TICKS = 4


@dataclass(frozen=True)
class Point:
    """A way.

    Attributes:
        name: of the way.
        speed: how many times as fast as the baseline.
        loss: of the metric that lost most, in units of its margin: 1 is the most that is allowed, 0 no loss at all.
        best: no other way is both faster and better.
    """

    name: str
    speed: float
    loss: float
    best: bool = False


def points_of(found: Figures) -> list[Point]:
    """The baseline, at 1 and 0, and every candidate whose quality was measured."""
    baseline = next(iter(found["ways"]))
    points = [] if baseline in found["comparisons"] else [Point(baseline, 1.0, 0.0)]
    for name, said in found["comparisons"].items():
        losses = [one["loss"] / one["allowed"] for one in said["quality"] if one["allowed"]]
        if losses:
            points.append(Point(name, 1 / (1 + said["latency"]["slower_by"]), max(0.0, *losses)))
    return [replace(point, best=_is_best(point, points)) for point in points]


def _is_best(point: Point, points: Sequence[Point]) -> bool:
    return not any(
        other.speed >= point.speed
        and other.loss <= point.loss
        and (other.speed, other.loss) != (point.speed, point.loss)
        for other in points
    )


def pareto_svg(found: Figures) -> str:
    """An SVG on no ground: to the right is faster, below is better; ways that nothing beats are joined by a line."""
    points = points_of(found)
    most_speed = _round_up(max([1.0, *(point.speed for point in points)]))
    most_loss = _round_up(max([1.0, *(point.loss for point in points)]))

    def at(speed: float, loss: float) -> tuple[float, float]:
        x = _LEFT + (_WIDTH - _LEFT - _RIGHT) * speed / most_speed
        return round(x, 1), round(_HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * loss / most_loss, 1)

    parts = [f'<text x="{_LEFT}" y="20" font-size="14">Worst loss of quality, in margins, over speed</text>']
    for tick in range(_TICKS + 1):
        (x, _), (_, y) = at(most_speed * tick / _TICKS, 0), at(0, most_loss * tick / _TICKS)
        parts.append(f'<path d="M{_LEFT} {y}H{_WIDTH - _RIGHT}" stroke="#8886"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 4}" text-anchor="end">{most_loss * tick / _TICKS:g}</text>')
        label = f"{most_speed * tick / _TICKS:g}x"
        parts.append(f'<text x="{x}" y="{_HEIGHT - _BOTTOM + 18}" text-anchor="middle">{label}</text>')
    _, limit = at(0, 1)
    parts.append(f'<path d="M{_LEFT} {limit}H{_WIDTH - _RIGHT}" stroke="#c33" stroke-dasharray="6 4"/>')
    front = sorted((point for point in points if point.best), key=lambda point: point.speed)
    line = " ".join("{},{}".format(*at(point.speed, point.loss)) for point in front)
    parts.append(f'<polyline points="{line}" fill="none" stroke="#4a7fd0" stroke-width="2"/>')
    for point in points:
        x, y = at(point.speed, point.loss)
        colour = "#4a7fd0" if point.best else "#d98a3d"
        parts.append(f'<circle cx="{x}" cy="{y}" r="5" fill="{colour}"/>')
        end = x > _WIDTH / 2
        name = f'<text x="{x - 9 if end else x + 9}" y="{y - 8}" text-anchor="{"end" if end else "start"}">'
        parts.append(f"{name}{escape(point.name)}</text>")
    parts.append(f'<text x="{_LEFT}" y="{_HEIGHT - 8}">times as fast as the baseline; dashed: the margin</text>')
    style = 'font-family="system-ui, sans-serif" font-size="12" fill="#888"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" {style}>'
    return "\n".join((head, *parts, "</svg>")) + "\n"


def _round_up(value: float) -> float:
    """To a number whose quarters are short."""
    step = 10 ** math.floor(math.log10(value))
    return (
        math.ceil(value / step + 1e-9) * step
        if step < 1
        else 4 * math.ceil(value / 4)
        if value > 4
        else 2 * math.ceil(value / 2)
    )

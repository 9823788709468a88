"""The geometry of the page's figures: histograms with their limits, and the forest of paired differences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from reelops.gate.limits import Limit
from reelops.metrics.catalogue import METRICS
from reelops.pages.figures import NUM_BINS, WIDTH, Bar, spread
from reelops.scoring.comparison.paired import Difference

_MOST_STRETCH = 3.0
_FOREST_MOST = 3.0


@dataclass(frozen=True)
class Line:
    """A limit: where it stands, and `review` or `reject`."""

    x: float
    decision: str
    words: str


@dataclass(frozen=True)
class Zone:
    """Where a clip would be held back."""

    x: float
    width: float
    decision: str


@dataclass(frozen=True)
class Histogram:
    """How the clips spread over one metric.

    Attributes:
        low, high: the ends of the axis, which is cut into `num_bins` equal parts.
        lines, zones: of the limits that lie on it.
        off_axis: the limits that lie beyond it, in words.
        is_one: see `Spread`.
    """

    metric: str
    title: str
    unit: str
    direction: str
    num_clips: int
    num_held_back: int
    low: float
    high: float
    num_bins: int
    median: float
    median_x: float
    bars: tuple[Bar, ...]
    lines: tuple[Line, ...]
    zones: tuple[Zone, ...]
    off_axis: str
    is_one: bool


def histogram(metric: str, values: Sequence[float], limit: Limit | None, num_held_back: int) -> Histogram:
    """The histogram of a metric's values, at least one, with limits where they are near enough to be drawn."""
    low, high = _axis(values, limit)
    known, shape = METRICS[metric], spread(values, low, high)
    limits = _limits(limit)
    shown = [one for one in limits if low <= one[1] <= high]

    return Histogram(
        metric=metric,
        title=known.title,
        unit=known.unit,
        direction=known.direction,
        num_clips=len(values),
        num_held_back=num_held_back,
        low=low,
        high=high,
        num_bins=NUM_BINS,
        median=shape.median,
        median_x=shape.median_x,
        bars=shape.bars,
        lines=tuple(Line(shape.at(value), decision, f"{decision} {side} {value:g}") for decision, value, side in shown),
        zones=tuple(_zones(limit, low, high)),
        off_axis=", ".join(
            f"{decision} {side} {value:g}" for decision, value, side in limits if not low <= value <= high
        ),
        is_one=shape.is_one,
    )


def _axis(values: Sequence[float], limit: Limit | None) -> tuple[float, float]:
    """From the least to the greatest value, and as far as the limits if that does not squeeze the values together."""
    least, greatest = min(values), max(values)
    span = greatest - least or abs(greatest) * 0.2 or 1.0
    low, high = least, greatest
    for _, value, _ in sorted(_limits(limit), key=lambda one: abs(one[1] - (least + greatest) / 2)):
        wider = min(low, value), max(high, value)
        if wider[1] - wider[0] <= _MOST_STRETCH * span:
            low, high = wider
    margin = (high - low) * 0.04 or span / 2
    return (low - margin if least < 0 or low > margin else min(0.0, low)), high + margin


def _limits(limit: Limit | None) -> list[tuple[str, float, str]]:
    """Decision, value and side of each limit."""
    if limit is None:
        return []
    given = (
        ("reject", limit.reject_below, "below"),
        ("review", limit.review_below, "below"),
        ("review", limit.review_above, "above"),
        ("reject", limit.reject_above, "above"),
    )
    return [(decision, value, side) for decision, value, side in given if value is not None]


def _zones(limit: Limit | None, low: float, high: float) -> list[Zone]:
    if limit is None:
        return []
    reject_low = low if limit.reject_below is None else limit.reject_below
    reject_high = high if limit.reject_above is None else limit.reject_above
    spans = [
        (low, reject_low, "reject"),
        (reject_low, reject_low if limit.review_below is None else limit.review_below, "review"),
        (reject_high if limit.review_above is None else limit.review_above, reject_high, "review"),
        (reject_high, high, "reject"),
    ]
    clipped = [(max(low, start), min(high, stop), decision) for start, stop, decision in spans]
    scale = WIDTH / (high - low)
    return [
        Zone(round((start - low) * scale, 2), round((stop - start) * scale, 2), decision)
        for start, stop, decision in clipped
        if stop > start
    ]


@dataclass(frozen=True)
class ForestRow:
    """One metric's paired difference, drawn in standard deviations of the old clips, better to the right.

    Attributes:
        low_x, high_x, mean_x: None where there is no interval, or nothing to measure it by.
        judged: whether one side is better as such; else right is simply higher.
    """

    difference: Difference
    title: str
    unit: str
    judged: bool
    low_x: float | None
    high_x: float | None
    mean_x: float | None


@dataclass(frozen=True)
class Forest:
    """All rows on one axis, from -`most` to +`most` standard deviations."""

    rows: tuple[ForestRow, ...]
    most: float


def forest(differences: Sequence[Difference]) -> Forest:
    """The forest plot of a comparison."""
    measured = [one for one in differences if one.spread]
    ends = [abs(end) / one.spread for one in measured for end in (one.low, one.high) if end is not None]
    most = min(_FOREST_MOST, max(0.5, math.ceil(max(ends, default=0.5) * 2) / 2))
    return Forest(tuple(_forest_row(one, most) for one in differences), most)


def _forest_row(one: Difference, most: float) -> ForestRow:
    metric = METRICS[one.metric]
    sign = -1 if metric.direction == "lower is better" else 1

    def at(value: float | None) -> float | None:
        if value is None or not one.spread:
            return None
        return round((max(-most, min(most, sign * value / one.spread)) + most) / (2 * most) * WIDTH, 2)

    ends = [end for end in (at(one.low), at(one.high)) if end is not None]
    return ForestRow(
        difference=one,
        title=metric.title,
        unit=metric.unit,
        judged=metric.direction != "in between is better",
        low_x=min(ends) if ends else None,
        high_x=max(ends) if ends else None,
        mean_x=at(one.mean),
    )

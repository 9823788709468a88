"""Bars that show how values spread: the geometry, in units of a figure of WIDTH by HEIGHT."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reelops.pages.numbers import human

WIDTH = 260.0
HEIGHT = 64.0
NUM_BINS = 24


@dataclass(frozen=True)
class Bar:
    """One bin: a rectangle in the figure, and in words what is in it."""

    x: float
    y: float
    width: float
    height: float
    words: str


@dataclass(frozen=True)
class Spread:
    """How values spread over an axis from `low` to `high`.

    Attributes:
        is_one: whether all values are one, which is a number and no figure.
    """

    low: float
    high: float
    median: float
    bars: tuple[Bar, ...]
    is_one: bool = False

    def at(self, value: float) -> float:
        """Where a value is in the figure."""
        return round((value - self.low) / (self.high - self.low) * WIDTH, 2)

    @property
    def median_x(self) -> float:
        return self.at(self.median)


def spread(values: Sequence[float], low: float, high: float) -> Spread:
    """The spread of at least one value over an axis that has some length."""
    counts, edges = np.histogram(values, bins=NUM_BINS, range=(low, high))
    bare = Spread(low, high, float(np.median(values)), ())
    bars = tuple(
        _bar(
            count,
            int(counts.max()),
            bare.at(start),
            bare.at(stop),
            f"{count} from {human(start, 3)} to {human(stop, 3)}",
        )
        for count, start, stop in zip(counts.tolist(), edges[:-1].tolist(), edges[1:].tolist(), strict=True)
        if count
    )
    return Spread(low, high, bare.median, bars, min(values) == max(values))


def axis_of(values: Sequence[float]) -> tuple[float, float]:
    """An axis from the least to the greatest value with a little room; not below 0 where no value is."""
    least, greatest = min(values), max(values)
    span = greatest - least or abs(greatest) * 0.2 or 1.0
    margin = (greatest - least) * 0.04 or span / 2
    return (least - margin if least < 0 or least > margin else 0.0), greatest + margin


def _bar(count: int, most: int, start: float, stop: float, words: str) -> Bar:
    height = round(max(3.0, count / most * (HEIGHT - 6)), 2)
    return Bar(start + 0.5, HEIGHT - height, round(max(1.0, stop - start - 1), 2), height, words)

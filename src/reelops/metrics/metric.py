"""What is to be known of a metric beside its formula: each metric's file declares it once, and all else follows.

From these records come the titles and units in tables and reports, the ranges that tables of scores are checked
against, the gate's sentences, and the pages of docs/metrics.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from reelops.metrics.tracker import Setup, Tracker
from reelops.metrics.view import View

Direction = Literal["higher is better", "lower is better", "in between is better"]
Section = Literal[
    "Motion",
    "Camera",
    "Continuity",
    "Light and detail",
    "Against the picture",
    "Against a reference",
    "By a network",
]
Worst = Literal["high", "low", "far"]

_WORST: dict[Direction, Worst] = {
    "higher is better": "low",
    "lower is better": "high",
    "in between is better": "far",
}


@dataclass(frozen=True)
class Series:
    """What the values of a metric's series are.

    Attributes:
        title, unit: of one value.
        worst: which of them are looked at first: the highest, the lowest, or those furthest from the median.
        is_metric: whether the values are of the metric's own kind, so that its limits can be drawn beside them.
        first: the frame of the first value; None where it follows from the number of values.
    """

    title: str
    unit: str
    worst: Worst
    is_metric: bool = False
    first: int | None = None


@dataclass(frozen=True)
class Comparison:
    """How a frame is compared with that of a reference.

    Attributes:
        compare: two views of one size to a number.
        looks_at: what of them, in words.
        smallest_side: in pixels, below which the metric is not defined.
        by_default: whether it is measured wherever there is a reference, or only where it is asked for by name.
    """

    compare: Callable[[View, View], float]
    looks_at: str
    smallest_side: int
    by_default: bool = True


@dataclass(frozen=True)
class Metric:
    """A metric for people, tables and the gate.

    Attributes:
        name: in params.yaml, JSON and tables.
        title: for people.
        unit: "" for a share or a ratio.
        direction: which way is better.
        section: of docs/metrics.md.
        description: what it measures, with its source; Markdown.
        blind_to: what it does not see, or what counts though it should not, so that nobody trusts it with that.
        low, high: the least and the greatest possible value.
        below, above: what a value beyond a lower or an upper limit usually means, as a sentence; "" where the number
            says it all.
        version: goes up whenever it gives another number for the same file and settings.
        track: makes the tracker that measures it on every clip; None where another metric's tracker does, or where it
            is asked for.
        comparison: for metrics against a reference.
        own_series: what its series shows, where that is not the metric itself.
    """

    name: str
    title: str
    unit: str
    direction: Direction
    section: Section
    description: str
    blind_to: str = ""
    low: float = 0.0
    high: float = math.inf
    below: str = ""
    above: str = ""
    version: int = 1
    track: Callable[[Setup], Tracker] | None = None
    comparison: Comparison | None = None
    own_series: Series | None = None

    @property
    def series(self) -> Series:
        """What the values of its series are."""
        return self.own_series or Series(self.title, self.unit, _WORST[self.direction], is_metric=True)

"""What a figure must keep to: at least, or at most, so much."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Side = Literal["at least", "at most"]


@dataclass(frozen=True)
class Bound:
    """A limit on one side; the limit itself is still good.

    Attributes:
        side: `at least` or `at most`.
        limit: in the figure's unit, finite.
        rounding: by how much a value may miss the limit, for figures that are sums of rounded ones.

    Raises:
        ValueError: the limit is not a finite number.
    """

    side: Side
    limit: float
    rounding: float = 0.0

    def __post_init__(self) -> None:
        if not math.isfinite(self.limit):
            raise ValueError(f"a limit of {self.limit} bounds nothing; give a finite number")

    @classmethod
    def at_least(cls, limit: float, rounding: float = 0.0) -> Bound:
        return cls("at least", limit, rounding)

    @classmethod
    def at_most(cls, limit: float, rounding: float = 0.0) -> Bound:
        return cls("at most", limit, rounding)

    def holds(self, value: float | None) -> bool:
        """Whether a value keeps to it; what could not be measured (None or NaN) does not."""
        if value is None:
            return False
        if self.side == "at least":
            return value >= self.limit - self.rounding
        return value <= self.limit + self.rounding

    def words(self, unit: str = "") -> str:
        """For people: `at least 0.6`, `at most 2 s`."""
        return f"{self.side} {self.limit:g} {unit}".rstrip()

    def __str__(self) -> str:
        return self.words()

"""A long series for a page: fewer values, and no spike lost."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

MOST_POINTS = 2000


def thinned(series: Sequence[float | None]) -> tuple[list[float | None], int]:
    """At most `MOST_POINTS` values with five digits each, and how many values of the series each stands for.

    Of several the one furthest from the mean stays, so no spike is lost.
    """
    step = -(-len(series) // MOST_POINTS)
    known = [value for value in series if value is not None]
    mean = float(np.mean(known)) if known else 0.0
    kept: list[float | None] = []
    for start in range(0, len(series), step):
        some = [value for value in series[start : start + step] if value is not None]
        kept.append(float(f"{max(some, key=lambda value: abs(value - mean)):.5g}") if some else None)
    return kept, step

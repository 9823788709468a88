"""A metric's course over a clip: where in the clip each value belongs, and which frames are the worst."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reelops.gate.limits import Limit
from reelops.metrics.catalogue import METRICS

NUM_WORST = 3
_APART = 12


def first_frame_of(metric: str, series_length: int, num_frames: int) -> int:
    """The frame that the first value of a metric's series belongs to.

    A value that compares neighbours belongs to the later of the two; one that compares three frames to the middle one.
    A series that is shorter still begins with the clip.
    """
    stated, missing = METRICS[metric].series.first, num_frames - series_length
    if stated is not None:
        return stated
    return (missing + 1) // 2 if 0 <= missing <= 2 else 0


def worst_frames(metric: str, series: Sequence[float | None], num_frames: int, limit: Limit | None) -> list[int]:
    """Up to `NUM_WORST` frames to look at first, worst first, some way apart from each other."""
    values = np.array([np.nan if value is None else value for value in series], dtype=np.float64)
    if np.isnan(values).all() or np.nanmax(values) == np.nanmin(values):
        return []
    badness = _badness(metric, values, limit)
    first, chosen = first_frame_of(metric, len(series), num_frames), list[int]()
    apart = max(1, len(series) // _APART)
    for index in np.argsort(-badness, kind="stable").tolist():
        if np.isnan(badness[index]) or len(chosen) == NUM_WORST:
            break
        if all(abs(first + index - other) >= apart for other in chosen):
            chosen.append(first + index)
    return chosen


def _badness(metric: str, values: np.ndarray, limit: Limit | None) -> np.ndarray:
    shown = METRICS[metric].series
    if shown.worst == "high":
        return values
    if shown.worst == "low":
        return -values
    if shown.is_metric and limit is not None:
        beyond = _beyond(values, limit)
        if beyond.max(initial=0.0, where=~np.isnan(beyond)) > 0:
            return beyond
    distances: np.ndarray = np.abs(values - np.nanmedian(values))
    return distances


def _beyond(values: np.ndarray, limit: Limit) -> np.ndarray:
    """How far values are beyond what is accepted; 0 within."""
    low, high = limit.accepted
    under = np.zeros_like(values) if low is None else low - values
    over = np.zeros_like(values) if high is None else values - high
    beyond: np.ndarray = np.maximum(0.0, np.maximum(under, over))
    return beyond

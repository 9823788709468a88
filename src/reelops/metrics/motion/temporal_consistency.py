"""Temporal consistency: does the amount of motion stay even?

The scale that normalises the variance is set in params.yaml. How it was chosen: at 160 rows the variance V, in square
pixels at 480 rows, is 0.1 to 4.2 for five of seven real CogVideoX clips, 28 for a passing train and 54 for a galloping
horse; clean camera moves have less than 0.01. The horse has to pass 0.6, which takes a scale of at least
54 / ln(1 / 0.6) = 106; 120 leaves a margin, and turns away V above 61.

Blind spots: it measures evenness, nothing else. Frozen clips and frozen clips with noise or flicker score 0.9 and more.
Hard cuts measure V = 158 to 694, pure noise 64 and shuffled frames 31 to 549: mostly, not always, turned away. No scale
separates good from bad, so the gate rests on residual ratio, flicker, scene cut and motion as well.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future

import numpy as np

from reelops.errors import VideoError
from reelops.metrics.metric import Metric, Series
from reelops.metrics.tracker import Measure
from reelops.metrics.view import Step, View
from reelops.optical_flow.engines import flow_engine, mean_magnitude
from reelops.optical_flow.threads import worker

# Pairs that may wait for their flow; a frame that finds more waits for the oldest.
_MAX_PENDING = 8

TEMPORAL_CONSISTENCY = Metric(
    name="temporal_consistency",
    title="Temporal consistency",
    unit="",
    direction="higher is better",
    section="Motion",
    description="whether motion is even: exp(-V / `temporal_scale`), V the variance over time of the mean flow "
    "magnitude; accepted from 0.6",
    blind_to="frozen clips, noise, flicker: they score 0.9 and more; real clips with bursts of motion fall to 0.2",
    high=1,
    below="Motion comes in jerks.",
    own_series=Series("Motion per frame", "px", "far"),
    track=lambda setup: TemporalConsistency(
        setup.settings.temporal_engine, setup.settings.temporal_rows, setup.settings.temporal_scale
    ),
)


def consistency_of(magnitudes: Sequence[float], scale: float) -> float:
    """exp(-V / scale), V the variance over time of the mean flow magnitude of each neighbouring pair.

    Args:
        magnitudes: pixels at 480 rows per frame, one per pair, at least one.
        scale: the variance in square pixels that brings the score down to 1/e.

    Returns:
        Higher is steadier; range (0, 1]; accepted from 0.6.

    Raises:
        VideoError: no pair.
    """
    if not len(magnitudes):
        raise VideoError("Temporal consistency needs at least two frames; this clip has fewer. Give a longer clip.")
    return math.exp(-float(np.var(np.asarray(magnitudes, dtype=np.float64))) / scale)


class TemporalConsistency:
    """`consistency_of` the mean flow magnitude of each step, found on a thread of its own beside everything else.

    Args:
        engine: of `ENGINES`.
        rows: the height at which it looks at frames.
        scale: the variance, in square pixels at 480 rows, at which the score falls to 1/e.
    """

    def __init__(self, engine: str, rows: int, scale: float) -> None:
        self._engine, self._rows, self._scale = flow_engine(engine), rows, scale
        self._previous: np.ndarray | None = None
        self._worker = worker("temporal-flow")
        self._pending: deque[Future[float]] = deque()
        self._magnitudes: list[float] = []

    def see(self, view: View, _: Step | None, /) -> None:
        gray = view.gray_at(self._rows)
        if self._previous is not None:
            self._pending.append(self._worker.submit(self._magnitude, self._previous, gray))
        if len(self._pending) > _MAX_PENDING:
            self._magnitudes.append(self._pending.popleft().result())
        self._previous = gray

    def _magnitude(self, previous_HW: np.ndarray, next_HW: np.ndarray) -> float:
        return mean_magnitude(self._engine.flow(previous_HW, next_HW))

    def measures(self) -> dict[str, Measure]:
        how = f"{self._engine.name} flow at {self._rows} rows, scale {self._scale:g} square pixels at 480 rows"
        self._magnitudes.extend(pending.result() for pending in self._pending)
        self._pending.clear()
        value = consistency_of(self._magnitudes, self._scale)
        return {"temporal_consistency": Measure(value, how, series=tuple(self._magnitudes))}

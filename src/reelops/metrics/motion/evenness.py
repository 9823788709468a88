"""Follows a clip for its temporal consistency, by the flow engine and at the size that params.yaml names."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future

import numpy as np

from reelops.metrics.motion.temporal_consistency import consistency_of
from reelops.metrics.scores import Measure
from reelops.metrics.view import Step, View
from reelops.optical_flow.engines import flow_engine, mean_magnitude
from reelops.optical_flow.threads import worker

# Pairs that may wait for their flow; a frame that finds more waits for the oldest.
_MOST_PENDING = 8


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
        if len(self._pending) > _MOST_PENDING:
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

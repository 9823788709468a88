"""Follows a clip for its temporal consistency, by the flow engine and at the size that params.yaml names."""

from __future__ import annotations

import numpy as np

from reelops.metrics.optical_flow import flow_engine, mean_magnitude
from reelops.metrics.scores import Measure
from reelops.metrics.temporal_consistency import consistency_of
from reelops.metrics.view import Step, View
from reelops.metrics.working_size import at_rows


class TemporalConsistency:
    """`consistency_of` the mean flow magnitude of each step.

    Args:
        engine: of `ENGINES`.
        rows: the height at which it looks at frames.
        scale: the variance, in square pixels at 480 rows, at which the score falls to 1/e.
    """

    def __init__(self, engine: str, rows: int, scale: float) -> None:
        self._engine, self._rows, self._scale = flow_engine(engine), rows, scale
        self._previous: np.ndarray | None = None
        self._magnitudes: list[float] = []

    def see(self, view: View, _: Step | None, /) -> None:
        gray = at_rows(view.luma_HW, self._rows)
        if self._previous is not None:
            self._magnitudes.append(mean_magnitude(self._engine.flow(self._previous, gray)))
        self._previous = gray

    def measures(self) -> dict[str, Measure]:
        how = f"{self._engine.name} flow at {self._rows} rows, scale {self._scale:g} square pixels at 480 rows"
        value = consistency_of(self._magnitudes, self._scale)
        return {"temporal_consistency": Measure(value, how, series=tuple(self._magnitudes))}

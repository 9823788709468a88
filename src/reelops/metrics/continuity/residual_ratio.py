"""Residual ratio: how much of the change in a clip motion does not explain."""

from __future__ import annotations

import cv2
import numpy as np

from reelops.metrics.metric import Metric
from reelops.metrics.tracker import Measure
from reelops.metrics.view import Step, View
from reelops.optical_flow.contract import FlowEngine
from reelops.optical_flow.engines import Dis
from reelops.optical_flow.warp import pull_back
from reelops.optical_flow.working_size import STATED_ROWS, WORKING_ROWS

# Below this mean change, in grey levels, what little differs is compression, and a ratio of it says nothing.
MIN_CHANGE = 0.25

# Frames are compared once this much motion lies between them, in pixels at working size, or after so many frames.
# Interpolation blurs by a fraction of a pixel, so over steps smaller than that nothing could be explained. The longest
# gap is odd: light that alternates would look steady over an even one.
_ENOUGH_MOTION = 1.5
_LONGEST_GAP = 7


RESIDUAL_RATIO = Metric(
    name="residual_ratio",
    title="Change not explained by motion",
    unit="",
    direction="lower is better",
    section="Continuity",
    description="share of change that motion does not explain, about 1 at worst; tells noise and changing light from "
    "motion",
    blind_to="shapes that boil along with the flow; a fixed camera's own noise counts",
    above="It is noise or changing light rather than motion.",
    track=lambda _: ResidualTracker(),
)


def unexplained(previous_HW: np.ndarray, next_HW: np.ndarray, flow_HW2: np.ndarray) -> tuple[float, float]:
    """Mean absolute differences in grey levels, with and without motion taken out, where the flow stays inside.

    Both pictures are smoothed a little first (sigma 1 pixel): what is finer than that is the interpolation's.

    Returns:
        what differs once motion is taken out, and what differs before that.
    """
    previous, after = (cv2.GaussianBlur(picture, (0, 0), 1.0).astype(np.float32) for picture in (previous_HW, next_HW))
    warped, inside = pull_back(after, flow_HW2)
    if not inside.any():
        return 0.0, 0.0
    return (
        float(np.abs(warped - previous)[inside].mean(dtype=np.float64)),
        float(np.abs(after - previous)[inside].mean(dtype=np.float64)),
    )


class ResidualTracker:
    """Sum of |warped difference| over sum of |unwarped difference|, over frames that arrive one by one.

    Frames are compared as soon as enough motion lies between them, so that slow clips are judged as fairly as fast
    ones. Memory does not grow with the clip but for two numbers a comparison.
    """

    def __init__(self, engine: FlowEngine | None = None) -> None:
        self._engine = engine or Dis()
        self._anchor: np.ndarray | None = None
        self._newest: np.ndarray | None = None
        self._gap = 0
        self._moved = 0.0
        self._differences: list[tuple[float, float]] = []

    def see(self, view: View, step: Step | None, /) -> None:
        self._newest = view.gray_HW
        if step is None or self._anchor is None:
            self._anchor = view.gray_HW
            return
        self._gap += 1
        self._moved += float(step.speed_HW.mean()) * WORKING_ROWS / STATED_ROWS
        if self._moved >= _ENOUGH_MOTION or self._gap >= _LONGEST_GAP:
            flow = step.flow_HW2 if self._gap == 1 else self._engine.flow(self._anchor, view.gray_HW)
            self._differences.append(unexplained(self._anchor, view.gray_HW, flow))
            self._anchor, self._gap, self._moved = view.gray_HW, 0, 0.0

    def measures(self) -> dict[str, Measure]:
        how, value = f"DIS flow at {WORKING_ROWS} rows", self.ratio()
        why_not = f"frames differ by less than {MIN_CHANGE:g} grey levels, so there is no change to explain"
        return {"residual_ratio": Measure(value, how, why_not if value is None else None)}

    def ratio(self) -> float | None:
        """So far: 0 where motion explains every change, near 1 where nothing moves but noise or light.

        Lower is better. None where next to nothing changes. Blind to shapes that boil along with the flow.
        """
        differences = self._differences or self._of_a_short_clip()
        after, before = (sum(values) for values in zip(*differences, strict=True)) if differences else (0.0, 0.0)
        if not differences or before / len(differences) < MIN_CHANGE:
            return None
        return after / before

    def _of_a_short_clip(self) -> list[tuple[float, float]]:
        """First against last frame, for a clip that ended before enough motion lay between two frames."""
        if self._anchor is None or self._newest is None or self._gap == 0:
            return []
        return [unexplained(self._anchor, self._newest, self._engine.flow(self._anchor, self._newest))]

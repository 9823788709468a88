"""Motion smoothness: does what moves continue as it did?"""

from __future__ import annotations

import cv2
import numpy as np

from reelops.metrics.metric import Metric
from reelops.metrics.tracker import Measure
from reelops.metrics.view import Step, View
from reelops.optical_flow.warp import along, targets
from reelops.optical_flow.working_size import STATED_ROWS, WORKING_ROWS

# Slower than this, in pixels at 480 rows, and flow is all error.
_STILL = 0.1


MOTION_SMOOTHNESS = Metric(
    name="motion_smoothness",
    title="Motion smoothness",
    unit="",
    direction="higher is better",
    section="Motion",
    description="1 - how far each pixel's next step is from its last, relative to their lengths. Not VBench's, which "
    "takes a learned interpolation",
    blind_to="clips in which nothing moves: no number",
    high=1,
    track=lambda _: MotionSmoothness(),
)


def jerk(flow_HW2: np.ndarray, following_HW2: np.ndarray) -> tuple[float, float]:
    """How far each pixel's next step is from its last, and how long the two are together: means over the picture.

    Args:
        flow_HW2: from the first frame to the second, in pixels.
        following_HW2: from the second to the third; followed along the first.
    """
    inside = targets(flow_HW2)[2]
    if not inside.any():
        return 0.0, 0.0
    then_HW2 = along(following_HW2, flow_HW2)
    turned, before, after = (
        cv2.mean(cv2.magnitude(field[..., 0], field[..., 1]), inside.view(np.uint8))[0]
        for field in (then_HW2 - flow_HW2, flow_HW2, then_HW2)
    )
    return turned, before + after


class MotionSmoothness:
    """1 - sum |F_t+1(x + F_t) - F_t| / sum (|F_t+1(x + F_t)| + |F_t|), over pixels that stay inside and all steps.

    1 for motion that continues evenly, 0 where each step undoes the last or every second frame stands still; range
    [0, 1], higher is better. Dropped, repeated and shuffled frames and boiling shapes lower it. Real clips of hands and
    animals have 0.3 to 0.6 at 8 frames per second, clean camera moves above 0.9. Not VBench's measure of that name,
    which takes a learned interpolation. Blind where nothing moves, to which it gives no number.
    """

    def __init__(self) -> None:
        self._flow: np.ndarray | None = None
        self._jerks: list[tuple[float, float]] = []

    def see(self, _: View, step: Step | None, /) -> None:
        if step is None:
            return
        if self._flow is not None:
            self._jerks.append(jerk(self._flow, step.flow_HW2))
        self._flow = step.flow_HW2

    def measures(self) -> dict[str, Measure]:
        how = f"DIS flow at {WORKING_ROWS} rows"
        if not self._jerks:
            return {"motion_smoothness": Measure(None, how, "it takes three frames")}
        turned, gone = (np.asarray(values) for values in zip(*self._jerks, strict=True))
        if gone.mean() / 2 * STATED_ROWS / WORKING_ROWS < _STILL:
            return {"motion_smoothness": Measure(None, how, "next to nothing moves")}
        series = tuple(float(value) for value in 1 - turned / np.maximum(gone, 1e-6))
        return {"motion_smoothness": Measure(float(1 - turned.sum() / gone.sum()), how, series=series)}

"""Dynamic degree: does enough of the picture move, in enough of the clip?"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from reelops.metrics.metric import Metric, Series
from reelops.metrics.tracker import Measure
from reelops.metrics.view import Step, View
from reelops.optical_flow.working_size import STATED_ROWS, WORKING_ROWS

# VBench's own numbers: the fastest 5%, 6 pixels where the shorter side is 256, 4 of 16 frames, about 8 per second.
_FASTEST_SHARE = 0.05
_PIXELS, _SIDE = 6, 256
_STEPS, _FRAMES = 4, 16
_FPS = 8


DYNAMIC_DEGREE = Metric(
    name="dynamic_degree",
    title="Dynamic degree",
    unit="",
    direction="in between is better",
    section="Motion",
    description="1 or 0 by VBench's rule (Huang et al. 2024): the fastest 5% of the picture go 6 min(H, W) / 256 "
    "pixels in a quarter of the steps, at 8 frames per second. Theirs is RAFT flow at full size, ours DIS at 160 rows",
    blind_to="whether the motion makes sense",
    high=1,
    own_series=Series("Speed of the fastest 5%", "px", "far"),
    track=lambda setup: DynamicDegree(setup.fps),
)


def fastest(speed_HW: np.ndarray) -> float:
    """Mean speed of the fastest 5% of the pixels, in the unit of the speeds."""
    count = max(1, int(speed_HW.size * _FASTEST_SHARE))
    return float(np.partition(speed_HW.ravel(), -count)[-count:].mean(dtype=np.float64))


def dynamic_degree(speeds: Sequence[float], fps: Fraction, height: int, width: int) -> float:
    """1 for a dynamic clip, 0 for a static one, by the rule of VBench (Huang et al. 2024).

    Dynamic is a clip of N frames in which the fastest 5% of the picture go more than 6 min(H, W) / 256 pixels in at
    least round(4 N / 16) steps, at 8 frames per second.

    Theirs is RAFT flow at the clip's size over frames sampled to 8 per second; ours is DIS flow at working size, each
    step scaled by fps / 8, and N what the sampled clip would have. Over many clips the mean is VBench's dynamic degree.

    Args:
        speeds: one `fastest` a step, in pixels at 480 rows.
        fps: the clip's rate.
        height, width: the clip's.
    """
    wanted = _PIXELS * min(height, width) / _SIDE * STATED_ROWS / height
    at_eight = np.asarray(speeds) * float(fps / _FPS)
    # Steps of the clip that make up as much time as VBench's sampled steps do.
    enough = max(1, round(_STEPS * (len(speeds) + 1) / _FRAMES))
    return float((at_eight > wanted).sum() >= enough)


class DynamicDegree:
    """Follows the speed of the fastest part of the picture."""

    def __init__(self, fps: Fraction) -> None:
        self._fps = fps
        self._speeds: list[float] = []
        self._size = (1, 1)

    def see(self, view: View, step: Step | None, /) -> None:
        self._size = (view.frame_HWC.shape[0], view.frame_HWC.shape[1])
        if step is not None:
            self._speeds.append(fastest(step.speed_HW))

    def measures(self) -> dict[str, Measure]:
        value = dynamic_degree(self._speeds, self._fps, *self._size)
        how = f"VBench's rule on DIS flow at {WORKING_ROWS} rows; the series is the speed of the fastest 5%"
        return {"dynamic_degree": Measure(value, how, series=tuple(self._speeds))}

"""Warping error: how far is a frame from the next one, brought back along the flow?"""

from __future__ import annotations

import cv2
import numpy as np

from reelops.metrics.metric import Metric
from reelops.metrics.tracker import Measure, mean_of_known
from reelops.metrics.view import Step, View
from reelops.optical_flow.warp import along
from reelops.optical_flow.working_size import WORKING_ROWS

_CENTRAL, _ALONE = np.array([-0.5, 0.0, 0.5], np.float32), np.array([1.0], np.float32)
_GRADIENT = ((_CENTRAL, _ALONE), (_ALONE, _CENTRAL))


WARPING_ERROR = Metric(
    name="warping_error",
    title="Warping error",
    unit="",
    direction="lower is better",
    section="Continuity",
    description="Lai et al. 2018: mean squared RGB difference, as [0, 1], to the next frame brought back along the "
    "flow, where nothing is covered and motion has no edge",
    blind_to="shapes that boil along with the flow; lively clips have more",
    high=1,
    track=lambda _: WarpingError(),
)


def trackable(flow_HW2: np.ndarray, confirmed_HW: np.ndarray) -> np.ndarray:
    """The mask M of Lai et al. 2018: (H, W) bool, false where something is covered and at the edges of motion.

    Covered is what is not `confirmed`; the edges are where |grad F|^2 > 0.01 |F|^2 + 0.002, by central differences.
    """
    change = sum(cv2.sepFilter2D(flow_HW2, -1, *kernels, borderType=cv2.BORDER_REPLICATE) ** 2 for kernels in _GRADIENT)
    smooth = change[..., 0] + change[..., 1] <= 0.01 * (flow_HW2[..., 0] ** 2 + flow_HW2[..., 1] ** 2) + 0.002
    both: np.ndarray = confirmed_HW & smooth
    return both


def warping_error(
    previous_HWC: np.ndarray, next_HWC: np.ndarray, flow_HW2: np.ndarray, confirmed_HW: np.ndarray
) -> float | None:
    """sum M |I_t - W(I_t+1, F)|^2 / sum M of one step (Lai et al. 2018, section 4), RGB uint8 taken as [0, 1].

    The square is a mean over the three channels, as theirs is. Their flow comes from the video before it was processed;
    a generated clip has none, so ours is its own, as EvalCrafter's is.

    Returns:
        0 where frames follow each other exactly; lower is better; None where the mask leaves nothing to compare. Blind
        to shapes that boil along with the flow, and calm clips have less of it than lively ones.
    """
    mask = trackable(flow_HW2, confirmed_HW)
    if not mask.any():
        return None
    # A sum of integers, so it is exact in whatever order it is added up.
    squares = cv2.norm(along(next_HWC, flow_HW2), previous_HWC, cv2.NORM_L2SQR, mask.view(np.uint8))
    return float(squares) / (3 * np.count_nonzero(mask)) / 255**2


class WarpingError:
    """The mean of `warping_error` over the steps that have one."""

    def __init__(self) -> None:
        self._errors: list[float | None] = []

    def see(self, _: View, step: Step | None, /) -> None:
        if step is None:
            return
        before, after = step.before.colour_HWC, step.after.colour_HWC
        self._errors.append(warping_error(before, after, step.flow_HW2, step.confirmed_HW))

    def measures(self) -> dict[str, Measure]:
        how = f"RGB along DIS flow at {WORKING_ROWS} rows, masked as Lai et al. 2018 do"
        return {"warping_error": mean_of_known(self._errors, how, "no part of the picture can be followed")}

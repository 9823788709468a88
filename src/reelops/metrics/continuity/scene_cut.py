"""Scene cut: is there a frame that does not follow from the one before?"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from reelops.metrics.metric import Metric
from reelops.metrics.tracker import OfSteps
from reelops.metrics.view import Pulled
from reelops.optical_flow.working_size import WORKING_ROWS

SCENE_CUT = Metric(
    name="scene_cut",
    title="Strongest break between frames",
    unit="",
    direction="lower is better",
    section="Continuity",
    description="strongest break: 1 - correlation of neighbours once motion is taken out",
    blind_to="cuts between near-identical pictures",
    high=1,
    above="There is a cut, or a frame that does not belong.",
    track=lambda _: OfSteps(
        "scene_cut",
        lambda step: discontinuity(step.before.gray_HW, step.pulled),
        f"DIS flow at {WORKING_ROWS} rows",
        scene_cut,
    ),
)


def discontinuity(previous_HW: np.ndarray, pulled: Pulled) -> float:
    """How unlike two frames are once motion is taken out: 1 - their correlation, at most 1.

    Args:
        previous_HW: luma, uint8.
        pulled: the next frame, brought back along the flow.

    Returns:
        0 for frames that motion explains; about 0.5 to 1 across a cut or in noise; lower is better. Where both frames
        are even (a blank wall) there is nothing to tell apart and it is 0.
    """
    inside = pulled.inside_HW
    if not inside.any():
        return 1.0
    one, other = previous_HW[inside].astype(np.float64), pulled.gray_HW[inside].astype(np.float64)
    one -= one.mean()
    other -= other.mean()
    # No dot products: BLAS adds them up differently with another number of threads.
    spreads = math.sqrt((one * one).mean()), math.sqrt((other * other).mean())
    if max(spreads) < 2.0:
        return 0.0
    if min(spreads) < 1e-6:
        return 1.0
    correlation = float((one * other).mean()) / (spreads[0] * spreads[1])
    return min(1.0, 1.0 - correlation)


def scene_cut(discontinuities: Sequence[float]) -> float:
    """The strongest break in a clip: the largest `discontinuity`, [0, 1], from one value per pair."""
    return max(discontinuities)

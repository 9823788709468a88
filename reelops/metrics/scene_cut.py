"""Scene cut: is there a frame that does not follow from the one before?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reelops.metrics.optical_flow import pull_back


def discontinuity(previous_HW: np.ndarray, next_HW: np.ndarray, flow_HW2: np.ndarray) -> float:
    """How unlike two frames are once motion is taken out: 1 - their correlation, at most 1.

    Returns:
        0 for frames that motion explains; about 0.5 to 1 across a cut or in noise; lower is better. Where both frames
        are even (a blank wall) there is nothing to tell apart and it is 0.
    """
    warped, inside = pull_back(next_HW, flow_HW2)
    if not inside.any():
        return 1.0
    one, other = previous_HW[inside].astype(np.float64), warped[inside].astype(np.float64)
    spreads = float(one.std()), float(other.std())
    if max(spreads) < 2.0:
        return 0.0
    if min(spreads) < 1e-6:
        return 1.0
    correlation = float(((one - one.mean()) * (other - other.mean())).mean()) / (spreads[0] * spreads[1])
    return min(1.0, 1.0 - correlation)


def scene_cut(discontinuities: Sequence[float]) -> float:
    """The strongest break in a clip: the largest `discontinuity`, [0, 1], from one value a pair."""
    return max(discontinuities)

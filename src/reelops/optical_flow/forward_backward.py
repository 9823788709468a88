"""Where the flow there and the flow back agree."""

from __future__ import annotations

import numpy as np

from reelops.optical_flow.warp import along, targets


def confirmed(flow_HW2: np.ndarray, flow_back_HW2: np.ndarray) -> np.ndarray:
    """Where going there and back leads home: (H, W) bool.

    |F + B'|^2 <= 0.01 (|F|^2 + |B'|^2) + 0.5, B' the flow back seen along F (Sundaram, Brox, Keutzer 2010; the same
    constants as Ruder et al. 2016 and Lai et al. 2018), in pixels of the given flow, and F stays inside the picture.
    """
    back_HW2 = along(flow_back_HW2, flow_HW2)
    agrees = _squared(flow_HW2 + back_HW2) <= 0.01 * (_squared(flow_HW2) + _squared(back_HW2)) + 0.5
    both: np.ndarray = agrees & targets(flow_HW2)[2]
    return both


def _squared(flow_HW2: np.ndarray) -> np.ndarray:
    squared: np.ndarray = flow_HW2[..., 0] ** 2 + flow_HW2[..., 1] ** 2
    return squared

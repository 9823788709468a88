"""How Dual TV-L1 is solved."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class TvL1Parameters:
    """How Dual TV-L1 is solved; pictures are floats from 0 to 255.

    Attributes:
        data_weight: lambda, what the brightness difference counts against the flow's variation.
        coupling: theta, how far the two flows that the method alternates between may lie apart.
        time_step: tau of the dual ascent; it converges up to 0.25.
        scale_step: the size of a level as a share of the one before.
        levels: at most so many.
        smallest_side: levels with a shorter side are left out, except for the first.
        warps: how often a level takes the data term anew.
        iterations: at most so many for each warp.
        together: so many in one sweep through memory; it changes the time, not the result.
        between_medians: iterations between two median filters of the flow, the first before all.
        median: side in pixels of that filter: 3, 5, or 1 for none.
        tolerance: root mean square change in pixels at which a warp ends, and with it, but for `as_opencv`, the level.
        smoothing: standard deviation in pixels of the Gaussian that goes over the pictures first; 0 for none.
        around_dominant_motion: total variation counts from the affine motion that most of the flow follows.
        as_opencv: pyramids, positions between pixels, what lies outside and the order of operations are OpenCV's.
    """

    data_weight: float = 0.15
    coupling: float = 0.3
    time_step: float = 0.25
    scale_step: float = 0.7
    levels: int = 32
    smallest_side: int = 8
    warps: int = 3
    iterations: int = 10
    together: int = 10
    between_medians: int = 10
    median: int = 3
    tolerance: float = 0.003
    smoothing: float = 0.8
    around_dominant_motion: bool = True
    as_opencv: bool = False

    @property
    def limit(self) -> np.float32:
        """lambda theta, the furthest that the data term pulls, times the gradient."""
        return np.float32(self.data_weight * self.coupling)

    @property
    def theta(self) -> np.float32:
        return np.float32(self.coupling)

    @property
    def rate(self) -> np.float32:
        """tau / theta, the step of the dual variables."""
        return np.float32(self.time_step / self.coupling)


def opencv_parameters() -> TvL1Parameters:
    """Those of OpenCV's `DualTVL1OpticalFlow_create()`: 5 levels, 5 warps, 10 x 30 iterations, a 5 x 5 median."""
    return TvL1Parameters(
        scale_step=0.8,
        levels=5,
        smallest_side=16,
        warps=5,
        iterations=300,
        between_medians=30,
        median=5,
        tolerance=0.01,
        smoothing=0.0,
        around_dominant_motion=False,
        as_opencv=True,
    )

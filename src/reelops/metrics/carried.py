"""Where every pixel of a frame was in an earlier picture: the way back, added up from frame to frame."""

from __future__ import annotations

import numpy as np

from reelops.metrics.view import Step
from reelops.optical_flow.warp import along, targets


class Carried:
    """Follows the motion.

    Attributes:
        back_HW2: from each pixel to where it was, in pixels at working size, float32.
        known_HW: how surely, float32 in [0, 1]: at every step the flow there and the flow back agreed, and the way
            never left the picture.
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        self.back_HW2 = np.zeros((*shape, 2), np.float32)
        self.known_HW = np.ones(shape, np.float32)

    def follow(self, step: Step) -> None:
        back_HW2 = step.flow_back_HW2
        agreed = along(step.confirmed_HW.astype(np.float32), back_HW2) * targets(back_HW2)[2]
        self.known_HW = along(self.known_HW, back_HW2) * agreed
        self.back_HW2 = back_HW2 + along(self.back_HW2, back_HW2)

"""First-frame fidelity: does the clip start from the picture it was given?"""

from __future__ import annotations

import numpy as np

from reelops.metrics.reference.psnr import psnr
from reelops.metrics.scores import Measure


def first_frame_fidelity(first_HWC: np.ndarray, picture_HWC: np.ndarray) -> float:
    """PSNR in dB between the first frame and the conditioning picture as the model got it: RGB uint8, one size.

    Returns:
        Higher is closer; 21 dB is recognisably the picture, above 30 dB is hard to tell from it. Blind to what follows
        the first frame, and unforgiving to a shift by a pixel.
    """
    return psnr(first_HWC, picture_HWC)


def first_frame_measure(first_HWC: np.ndarray, picture_HWC: np.ndarray | None) -> Measure:
    """`first_frame_fidelity` as a measure, or why there is none."""
    how = "RGB at the clip's size"
    if picture_HWC is None:
        return Measure(None, how, "no picture was given", applies=False)
    return Measure(first_frame_fidelity(first_HWC, picture_HWC), how)

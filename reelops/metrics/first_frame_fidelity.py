"""First-frame fidelity: does the clip start from the picture it was given?"""

from __future__ import annotations

import numpy as np

from reelops.metrics.psnr import psnr


def first_frame_fidelity(first_HWC: np.ndarray, picture_HWC: np.ndarray) -> float:
    """PSNR in dB between the first frame and the conditioning picture as the model got it: RGB uint8, one size.

    Returns:
        Higher is closer; 21 dB is recognisably the picture, above 30 dB is hard to tell from it. Blind to what follows
        the first frame, and unforgiving to a shift by a pixel.
    """
    return psnr(first_HWC, picture_HWC)

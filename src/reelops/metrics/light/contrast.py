"""Contrast: how far a frame's light spreads."""

from __future__ import annotations

import numpy as np


def contrast(gray_HW: np.ndarray) -> float:
    """RMS contrast (Peli 1990): standard deviation of luma, uint8, as a share of full scale.

    Returns:
        0 for an even picture, 0.5 for half black and half white; range [0, 0.5]. It depends on the picture more than
        on how well the clip was made.
    """
    return float(gray_HW.std()) / 255

"""Brightness: how light a frame is."""

from __future__ import annotations

import numpy as np


def brightness(gray_HW: np.ndarray) -> float:
    """Mean luma of a uint8 picture as a share of full scale: 0 black, 1 white. Neither end is good."""
    return float(gray_HW.mean()) / 255

"""Averages around a pixel, and steps without an edge."""

from __future__ import annotations

import cv2
import numpy as np


def blurred(values: np.ndarray, spread: float) -> np.ndarray:
    """Averaged by a Gaussian of that standard deviation in pixels."""
    result: np.ndarray = cv2.GaussianBlur(values, (0, 0), spread, borderType=cv2.BORDER_REFLECT_101)
    return result


def ramp(value: np.ndarray | float, begin: float, end: float) -> np.ndarray:
    """0 up to `begin`, 1 from `end` on, and a smooth step between; float32."""
    step = np.clip((np.asarray(value, np.float32) - begin) / (end - begin), 0, 1).astype(np.float32)
    smooth: np.ndarray = step * step * (3 - 2 * step)
    return smooth

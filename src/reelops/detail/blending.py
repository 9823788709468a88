"""Averages around a pixel, and steps without an edge."""

from __future__ import annotations

import cv2
import numpy as np

# From this spread on, pixels, a quarter of the size holds all that a blur leaves.
_WIDE, _QUARTER = 8.0, 4


def blurred(values: np.ndarray, spread: float) -> np.ndarray:
    """Averaged by a Gaussian of that standard deviation in pixels."""
    height, width = values.shape[:2]
    if spread < _WIDE or min(height, width) < 8 * _QUARTER:
        return _gaussian(values, spread)
    small = cv2.resize(values, (width // _QUARTER, height // _QUARTER), interpolation=cv2.INTER_AREA)
    wide: np.ndarray = cv2.resize(_gaussian(small, spread / _QUARTER), (width, height), interpolation=cv2.INTER_LINEAR)
    return wide


def _gaussian(values: np.ndarray, spread: float) -> np.ndarray:
    result: np.ndarray = cv2.GaussianBlur(values, (0, 0), spread, borderType=cv2.BORDER_REFLECT_101)
    return result


def ramp(value: np.ndarray | float, begin: float, end: float) -> np.ndarray:
    """0 up to `begin`, 1 from `end` on, and a smooth step between; float32."""
    step = np.clip((np.asarray(value, np.float32) - begin) / (end - begin), 0, 1).astype(np.float32)
    smooth: np.ndarray = step * step * (3 - 2 * step)
    return smooth

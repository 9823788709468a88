"""GMSD: how unevenly two pictures differ in their gradients."""

from __future__ import annotations

import cv2
import numpy as np

from reelops.metrics.metric import Comparison, Metric

_C = 170.0
_PREWITT = np.array([[1, 0, -1], [1, 0, -1], [1, 0, -1]], np.float64) / 3


GMSD = Metric(
    name="gmsd",
    title="GMSD against reference",
    unit="",
    direction="lower is better",
    section="Against a reference",
    description="Xue et al. 2014 on luma",
    blind_to="colour; damage that is even all over",
    comparison=Comparison(lambda one, other: gmsd(one.luma_HW, other.luma_HW), "luma", 4),
)


def gmsd(one_HW: np.ndarray, other_HW: np.ndarray) -> float:
    """Gradient magnitude similarity deviation (Xue et al. 2014) of two luma pictures, uint8.

    Both are halved by 2x2 means; Prewitt gradients; the standard deviation over the picture of their similarity
    (2 a b + c) / (a^2 + b^2 + c), c = 170.

    Returns:
        0 for equal pictures, rarely above 0.35; lower is better. Nearer to what people see than SSIM. Blind to colour
        and to damage that is the same all over the picture.
    """
    one, other = _gradient(one_HW), _gradient(other_HW)
    similarity = (2 * one * other + _C) / (one**2 + other**2 + _C)
    return float(similarity.std())


def _gradient(picture_HW: np.ndarray) -> np.ndarray:
    height, width = picture_HW.shape
    even = picture_HW[: height // 2 * 2, : width // 2 * 2].astype(np.float64)
    half = cv2.resize(even, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    across, down = (
        cv2.filter2D(half, cv2.CV_64F, kernel, borderType=cv2.BORDER_CONSTANT) for kernel in (_PREWITT, _PREWITT.T)
    )
    magnitude: np.ndarray = np.hypot(across, down)
    return magnitude

"""SSIM and MS-SSIM: how alike two pictures are in structure.

scikit-image has SSIM, and the tests compare with it; MS-SSIM needs the contrast term apart, which it does not return.
"""

from __future__ import annotations

import cv2
import numpy as np

from reelops.metrics.metric import Comparison, Metric

_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
_WINDOW, _SIGMA = 11, 1.5
_SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)

# The window has to fit into the picture at the coarsest of five scales.
SMALLEST_SIDE_OF_MS_SSIM = _WINDOW * 2 ** (len(_SCALE_WEIGHTS) - 1)


SSIM = Metric(
    name="ssim",
    title="SSIM against reference",
    unit="",
    direction="higher is better",
    section="Against a reference",
    description="Wang et al. 2004 on luma",
    blind_to="colour; a shift by a pixel costs too much",
    low=-1,
    high=1,
    comparison=Comparison(lambda one, other: ssim(one.luma_HW, other.luma_HW), "luma", _WINDOW),
)
MS_SSIM = Metric(
    name="ms_ssim",
    title="MS-SSIM against reference",
    unit="",
    direction="higher is better",
    section="Against a reference",
    description="Wang et al. 2003, five scales; no side below 176 pixels",
    blind_to="colour",
    high=1,
    comparison=Comparison(
        lambda one, other: ms_ssim(one.luma_HW, other.luma_HW), "luma", SMALLEST_SIDE_OF_MS_SSIM, by_default=False
    ),
)


def ssim(one_HW: np.ndarray, other_HW: np.ndarray) -> float:
    """Structural similarity of two luma pictures, uint8, at least 11x11 (Wang et al. 2004).

    An 11x11 Gaussian window of sigma 1.5, K = (0.01, 0.03), population covariance; the mean over all windows that fit.

    Returns:
        1 for equal pictures, about 0 for unrelated ones; higher is better; range [-1, 1]. Blind to colour; a shift by a
        pixel costs more than a blur that people mind more.
    """
    return _luminance_and_structure(one_HW.astype(np.float64), other_HW.astype(np.float64))[0]


def ms_ssim(one_HW: np.ndarray, other_HW: np.ndarray) -> float:
    """SSIM over five scales (Wang, Simoncelli, Bovik 2003), each half of the one before by 2x2 means.

    Args:
        one_HW, other_HW: luma, uint8, no side below `SMALLEST_SIDE_OF_MS_SSIM`.

    Returns:
        1 for equal pictures; higher is better; range [0, 1], what is negatively correlated counts as 0. Kinder to
        viewing distance than SSIM, with the same blind spots.
    """
    one, other = one_HW.astype(np.float64), other_HW.astype(np.float64)
    product = 1.0
    for scale, weight in enumerate(_SCALE_WEIGHTS, start=1):
        full, structure = _luminance_and_structure(one, other)
        product *= max(full if scale == len(_SCALE_WEIGHTS) else structure, 0.0) ** weight
        one, other = _half(one), _half(other)
    return product


def _luminance_and_structure(one_HW: np.ndarray, other_HW: np.ndarray) -> tuple[float, float]:
    """Mean SSIM, and mean of its contrast and structure term alone."""
    mean_one, mean_other = _blurred(one_HW), _blurred(other_HW)
    variance_one = _blurred(one_HW**2) - mean_one**2
    variance_other = _blurred(other_HW**2) - mean_other**2
    covariance = _blurred(one_HW * other_HW) - mean_one * mean_other
    structure = (2 * covariance + _C2) / (variance_one + variance_other + _C2)
    luminance = (2 * mean_one * mean_other + _C1) / (mean_one**2 + mean_other**2 + _C1)
    return float((luminance * structure).mean()), float(structure.mean())


def _blurred(picture_HW: np.ndarray) -> np.ndarray:
    """Gaussian window means, where the window fits."""
    edge = _WINDOW // 2
    blurred: np.ndarray = cv2.GaussianBlur(picture_HW, (_WINDOW, _WINDOW), _SIGMA)[edge:-edge, edge:-edge]
    return blurred


def _half(picture_HW: np.ndarray) -> np.ndarray:
    height, width = picture_HW.shape
    halved: np.ndarray = cv2.resize(
        picture_HW[: height // 2 * 2, : width // 2 * 2], (width // 2, height // 2), interpolation=cv2.INTER_AREA
    )
    return halved

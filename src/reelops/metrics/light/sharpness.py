"""Sharpness: how much fine detail a frame has."""

from __future__ import annotations

import cv2
import numpy as np

from reelops.metrics.metric import Metric
from reelops.optical_flow.working_size import at_rows

# Fixed, so that clips of different size compare; smaller clips are enlarged and rightly count as softer.
SHARPNESS_ROWS = 240


SHARPNESS = Metric(
    name="sharpness",
    title="Sharpness",
    unit="",
    direction="higher is better",
    section="Light and detail",
    description="variance of the Laplacian at 240 rows, in grey levels squared, mean over frames",
    blind_to="noise counts as detail",
    below="The picture is blurred.",
)


def sharpness(gray_HW: np.ndarray) -> float:
    """Variance of the Laplacian (Pech-Pacheco et al. 2000) of a frame's luma, uint8, seen 240 rows high.

    Returns:
        Grey levels squared, from 0; higher is sharper. Noise counts as detail, and a picture that is meant to be
        smooth scores low: read it with the residual ratio, and compare like with like.
    """
    _, spread = cv2.meanStdDev(cv2.Laplacian(at_rows(gray_HW, SHARPNESS_ROWS), cv2.CV_16S))
    return float(spread[0, 0]) ** 2

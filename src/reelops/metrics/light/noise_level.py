"""Noise level: the standard deviation of the noise in a frame."""

from __future__ import annotations

import math

import cv2
import numpy as np

from reelops.metrics.metric import Metric
from reelops.metrics.tracker import OfFrames

# Second differences along rows and columns, in all [[1, -2, 1], [-2, 4, -2], [1, -2, 1]]: a difference of two
# Laplacians, which is blind to even, sloped and evenly curved parts of a picture.
_SECOND = np.array([1, -2, 1], np.float32)


NOISE_LEVEL = Metric(
    name="noise_level",
    title="Noise",
    unit="grey levels",
    direction="lower is better",
    section="Light and detail",
    description="Immerkaer 1996: sigma of white noise, at the clip's own size",
    blind_to="coarse noise; fine texture counts",
    above="The picture is covered in noise.",
    track=lambda _: OfFrames(
        "noise_level", lambda view: noise_level(view.luma_HW), "luma at the clip's size", smallest_side=3
    ),
)


def noise_level(gray_HW: np.ndarray) -> float:
    """Immerkaer's fast estimate (1996): sqrt(pi / 2) / 6 times the mean |I * N|, N a difference of Laplacians.

    Args:
        gray_HW: luma, uint8, at least 3x3, at the size at which people look at it: scaled down, noise averages out and
            texture turns into noise.

    Returns:
        The sigma of white Gaussian noise in grey levels; lower is better, from 0. Fine texture counts as noise, so that
        a sharp picture of leaves has some too: compare like with like. Blind to noise coarser than about two pixels.
    """
    response = cv2.sepFilter2D(gray_HW, cv2.CV_16S, _SECOND, _SECOND)[1:-1, 1:-1]
    mean = float(cv2.norm(response, cv2.NORM_L1)) / float(response.size)
    return math.sqrt(math.pi / 2) / 6 * mean

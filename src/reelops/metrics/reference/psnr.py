"""Peak signal-to-noise ratio, beneath the metrics that compare pictures."""

from __future__ import annotations

import math

import numpy as np

from reelops.metrics.metric import Comparison, Metric

# Equal pictures have an infinite ratio, which JSON cannot hold.
HIGHEST_DB = 100.0


PSNR = Metric(
    name="psnr",
    title="PSNR against reference",
    unit="dB",
    direction="higher is better",
    section="Against a reference",
    description="of RGB, mean over frames",
    blind_to="what people mind",
    high=HIGHEST_DB,
    comparison=Comparison(lambda one, other: psnr(one.frame_HWC, other.frame_HWC), "RGB", 1),
)


def psnr(one_HWC: np.ndarray, other_HWC: np.ndarray, where_HW: np.ndarray | None = None) -> float:
    """PSNR in dB between two uint8 pictures of one size, over the pixels `where_HW` is true; at most 100 dB.

    Raises:
        ValueError: the sizes differ, or no pixel is left to compare.
    """
    if one_HWC.shape != other_HWC.shape:
        raise ValueError(f"Pictures of one size can be compared; these are {one_HWC.shape} and {other_HWC.shape}.")
    squared = (one_HWC.astype(np.float32) - other_HWC.astype(np.float32)) ** 2
    if where_HW is not None:
        squared = squared[where_HW]
    if squared.size == 0:
        raise ValueError("No pixel is left to compare.")
    error = float(squared.mean(dtype=np.float64))
    return HIGHEST_DB if error == 0 else min(HIGHEST_DB, 10 * math.log10(255**2 / error))

"""Contrast: how far a frame's light spreads."""

from __future__ import annotations

import numpy as np

from reelops.metrics.metric import Metric
from reelops.metrics.tracker import OfFrames
from reelops.optical_flow.working_size import WORKING_ROWS

CONTRAST = Metric(
    name="contrast",
    title="Contrast",
    unit="",
    direction="in between is better",
    section="Light and detail",
    description="RMS contrast (Peli 1990) of luma; it depends on the picture more than on how well the clip was made",
    high=0.5,
    below="There is next to nothing to see.",
    track=lambda _: OfFrames("contrast", lambda view: contrast(view.gray_HW), f"luma at {WORKING_ROWS} rows"),
)


def contrast(gray_HW: np.ndarray) -> float:
    """RMS contrast (Peli 1990): standard deviation of luma, uint8, as a share of full scale.

    Returns:
        0 for an even picture, 0.5 for half black and half white; range [0, 0.5]. It depends on the picture more than
        on how well the clip was made.
    """
    return float(gray_HW.std()) / 255

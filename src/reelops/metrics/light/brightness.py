"""Brightness: how light a frame is."""

from __future__ import annotations

import numpy as np

from reelops.metrics.metric import Metric
from reelops.metrics.tracker import OfFrames
from reelops.optical_flow.working_size import WORKING_ROWS

BRIGHTNESS = Metric(
    name="brightness",
    title="Brightness",
    unit="",
    direction="in between is better",
    section="Light and detail",
    description="mean luma: 0 black, 1 white",
    high=1,
    below="The clip is all but black.",
    above="The clip is all but white.",
    track=lambda _: OfFrames("brightness", lambda view: brightness(view.gray_HW), f"luma at {WORKING_ROWS} rows"),
)


def brightness(gray_HW: np.ndarray) -> float:
    """Mean luma of a uint8 picture as a share of full scale: 0 black, 1 white. Neither end is good."""
    return float(gray_HW.mean()) / 255

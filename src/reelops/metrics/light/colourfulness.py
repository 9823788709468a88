"""Colourfulness: how vivid a frame is."""

from __future__ import annotations

import math

import numpy as np

from reelops.metrics.metric import Metric
from reelops.metrics.tracker import OfFrames
from reelops.optical_flow.working_size import WORKING_ROWS

COLOURFULNESS = Metric(
    name="colourfulness",
    title="Colourfulness",
    unit="",
    direction="in between is better",
    section="Light and detail",
    description="Hasler and Suesstrunk 2003: 0 grey, 33 moderate, 109 extreme",
    blind_to="whether the colours are the right ones",
    track=lambda _: OfFrames(
        "colourfulness", lambda view: colourfulness(view.colour_HWC), f"RGB at {WORKING_ROWS} rows"
    ),
)


def colourfulness(frame_HWC: np.ndarray) -> float:
    """M3 of Hasler and Suesstrunk 2003: sigma + 0.3 mu of the opponent colours rg = R - G and yb = (R + G) / 2 - B.

    sigma and mu are the lengths of the two channels' standard deviations and means, in grey levels of a uint8 RGB
    picture.

    Returns:
        0 for a grey picture, 15 slightly, 33 moderately, 45 averagely, 59 quite, 82 highly, 109 extremely colourful in
        the paper's words. Neither end is good; blind to whether the colours are the right ones.
    """
    red, green, blue = (frame_HWC[..., channel].astype(np.float32) for channel in range(3))
    rg, yb = red - green, (red + green) / 2 - blue
    sigma = math.hypot(float(rg.std(dtype=np.float64)), float(yb.std(dtype=np.float64)))
    mu = math.hypot(float(rg.mean(dtype=np.float64)), float(yb.mean(dtype=np.float64)))
    return sigma + 0.3 * mu

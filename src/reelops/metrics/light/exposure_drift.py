"""Exposure drift: does the light come up or go down?"""

from __future__ import annotations

import cv2
import numpy as np

from reelops.metrics.light.drift import beginning_and_end
from reelops.metrics.light.srgb import light_of
from reelops.metrics.metric import Metric
from reelops.metrics.tracker import Measure
from reelops.metrics.view import Step, View
from reelops.optical_flow.working_size import WORKING_ROWS

# Rec. 709: what red, green and blue light contribute to luminance.
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
_LIGHT_OF_BYTES = light_of(np.arange(256) / 255)
_TABLE = _LIGHT_OF_BYTES.astype(np.float32)
_DARKEST = float(_LIGHT_OF_BYTES[1])
"""What the darkest grey above black gives; nothing counts as darker."""


EXPOSURE_DRIFT = Metric(
    name="exposure_drift",
    title="Drift of exposure",
    unit="stops",
    direction="in between is better",
    section="Light and detail",
    description="how much brighter the last 15% of the clip is than the first 15%, by mean luminance, unless the "
    "prompt asks for it; -1: half of the light is gone",
    blind_to="light that goes and comes back; a camera that finds something bright counts",
    low=-12,
    high=12,
    track=lambda _: ExposureDrift(),
)


def luminance(frame_HWC: np.ndarray) -> float:
    """Mean linear light of an sRGB uint8 picture, from the darkest grey above black to 1 for white."""
    return max(_DARKEST, float(np.dot(_LUMINANCE, cv2.mean(cv2.LUT(frame_HWC, _TABLE))[:3])))


class ExposureDrift:
    """Follows the light of the whole picture.

    Stops (powers of two) that the last 15% of frames are brighter than the first, by mean luminance: 0 where it stays,
    -1 where half of the light is gone; range [-12, 12], in between is better unless the prompt asks for a change of
    light. Blind to light that goes and comes back; a camera that finds something bright counts.
    """

    def __init__(self) -> None:
        self._stops: list[float] = []

    def see(self, view: View, _: Step | None, /) -> None:
        self._stops.append(float(np.log2(luminance(view.colour_HWC))))

    def measures(self) -> dict[str, Measure]:
        stops = np.array(self._stops)
        first, last = beginning_and_end(stops)
        series = tuple(float(difference) for difference in stops - first)
        return {"exposure_drift": Measure(float(last - first), f"mean light at {WORKING_ROWS} rows", series=series)}

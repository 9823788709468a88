"""Drift of colour: does the picture take on another tint on the way?"""

from __future__ import annotations

import math

import cv2
import numpy as np

from reelops.metrics.light.drift import beginning_and_end
from reelops.metrics.light.srgb import light_of
from reelops.metrics.metric import Metric
from reelops.metrics.tracker import Measure
from reelops.metrics.view import Step, View
from reelops.optical_flow.working_size import WORKING_ROWS

# sRGB (IEC 61966-2-1): X, Y and Z of linear red, green and blue, and of white.
_XYZ_OF_LIGHT = np.array(
    [[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]]
)
_WHITE = np.array([0.95047, 1.0, 1.08883])
# Below the cube of it, lightness is linear in light.
_DELTA = 6 / 29
_DARK = _DELTA**3


COLOUR_DRIFT = Metric(
    name="colour_drift",
    title="Drift of colour",
    unit="a*b*",
    direction="lower is better",
    section="Light and detail",
    description="how far the tint of the whole picture moves from the first 15% of the clip to the last, unless the "
    "prompt asks for it; 2.3 is the least that people see",
    blind_to="colours that change but cancel out; light that fades, and a camera that finds something colourful, count",
    track=lambda _: ColourDrift(),
)


def tint(frame_HWC: np.ndarray) -> tuple[float, float]:
    """a* and b* (CIE 1976, D65) of the mean colour of an sRGB uint8 picture: greenish to reddish, bluish to yellowish.

    A difference of 2.3 is the least that people notice side by side; plain skin stands at about (15, 20).
    """
    light = light_of(np.array(cv2.mean(frame_HWC)[:3]) / 255)
    x, y, z = (_XYZ_OF_LIGHT @ light) / _WHITE
    seen_x, seen_y, seen_z = (
        math.cbrt(part) if part > _DARK else part / (3 * _DELTA**2) + 4 / 29 for part in (x, y, z)
    )
    return 500 * (seen_x - seen_y), 200 * (seen_y - seen_z)


class ColourDrift:
    """Follows the tint of the whole picture.

    The distance in the plane of a* and b* between its mean over the last 15% of frames and that over the first: 0 where
    it stays, lower is better unless the prompt asks for a change of light. Blind to colours that change but cancel out.
    Light that fades counts a little, since colours fade with it; a camera that finds something colourful counts.
    """

    def __init__(self) -> None:
        self._tints: list[tuple[float, float]] = []

    def see(self, view: View, _: Step | None, /) -> None:
        self._tints.append(tint(view.colour_HWC))

    def measures(self) -> dict[str, Measure]:
        first, last = beginning_and_end(np.array(self._tints))
        series = tuple(float(distance) for distance in np.hypot(*(np.array(self._tints) - first).T))
        how = f"mean colour at {WORKING_ROWS} rows"
        return {"colour_drift": Measure(float(np.hypot(*(last - first))), how, series=series)}

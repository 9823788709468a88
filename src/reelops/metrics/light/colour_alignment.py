"""Whether colours lie on the shapes that they belong to."""

from __future__ import annotations

import cv2
import numpy as np

from reelops.metrics.metric import Metric
from reelops.metrics.tracker import Measure
from reelops.metrics.view import Step, View
from reelops.optical_flow.working_size import at_rows

# Colours of the usual files have half the rows; finer than that there is nothing to compare.
_ROWS, _COARSE_ROWS = 240, 30
_BLUR = 1.0
_AROUND = 15
_EVERY = 12

# Mean steps of Cr and Cb from one pixel of a picture of 30 rows to the next, in grey levels: with less there is next to
# no colour.
_COLOURFUL = 3.2


COLOUR_ALIGNMENT = Metric(
    name="colour_alignment",
    title="Colours on their shapes",
    unit="",
    direction="higher is better",
    section="Light and detail",
    description="correlation of the edges of colour with the edges of light, a 240th of the height fine: 0.2 to 0.9 in "
    "photographs and films, next to 0 where colours bleed, lag or fall apart into blocks of their own",
    blind_to="pictures with next to no colour: no number; coloured light on plain walls, and drawings in flat colours "
    "of one lightness, count",
    low=-1,
    high=1,
    below="Its colours do not lie on its shapes.",
    track=lambda _: ColourAlignment(),
)


def colour_alignment(frame_HWC: np.ndarray) -> float | None:
    """Correlation of the magnitudes of the gradients of chroma and of luma, each without its local mean.

    Args:
        frame_HWC: RGB uint8.

    Returns:
        [-1, 1]; None where there is next to no colour.
    """
    small = cv2.cvtColor(at_rows(frame_HWC, _COARSE_ROWS), cv2.COLOR_RGB2YCrCb).astype(np.float32)
    if sum(float(_slopes(small[..., channel]).mean()) for channel in (1, 2)) < _COLOURFUL:
        return None
    ycc = cv2.cvtColor(at_rows(frame_HWC, _ROWS), cv2.COLOR_RGB2YCrCb).astype(np.float32)
    soft = cv2.GaussianBlur(ycc, (0, 0), _BLUR)
    light, colour = _slopes(soft[..., 0]), _slopes(soft[..., 1]) + _slopes(soft[..., 2])
    # One hard edge shall not stand for all of the picture.
    light = _without_mean(np.minimum(light, np.percentile(light, 97)))
    colour = _without_mean(np.minimum(colour, 4 * np.percentile(colour, 90)))
    scale = np.sqrt(float((light * light).sum()) * float((colour * colour).sum())) + 1e-6
    return float((light * colour).sum()) / float(scale)


class ColourAlignment:
    """Follows every twelfth frame; the middle one of all counts."""

    def __init__(self) -> None:
        self._num_frames = 0
        self._values: list[float | None] = []

    def see(self, view: View, _: Step | None, /) -> None:
        if self._num_frames % _EVERY == 0:
            self._values.append(colour_alignment(view.frame_HWC))
        self._num_frames += 1

    def measures(self) -> dict[str, Measure]:
        how = f"RGB at {_ROWS} rows, every {_EVERY}th frame"
        known = [value for value in self._values if value is not None]
        if 2 * len(known) < len(self._values):
            return {"colour_alignment": Measure(None, how, "there is next to no colour", applies=False)}
        series = tuple(self._values[number // _EVERY] for number in range(self._num_frames))
        return {"colour_alignment": Measure(float(np.median(known)), how, series=series)}


def _slopes(plane_HW: np.ndarray) -> np.ndarray:
    plane = np.ascontiguousarray(plane_HW)
    across = cv2.Sobel(plane, cv2.CV_32F, 1, 0, scale=1 / 8)
    down = cv2.Sobel(plane, cv2.CV_32F, 0, 1, scale=1 / 8)
    slopes: np.ndarray = cv2.magnitude(across, down)
    return slopes


def _without_mean(values_HW: np.ndarray) -> np.ndarray:
    around = cv2.blur(values_HW.astype(np.float32), (_AROUND, _AROUND))
    rest: np.ndarray = values_HW - around
    return rest

"""Appearance: a clip as seventy numbers that take no weights, for comparing sets of clips."""

from __future__ import annotations

import cv2
import numpy as np

from reelops.metrics.tracker import Measure
from reelops.metrics.view import Step, View

APPEARANCE_ROWS, APPEARANCE_COLUMNS = 4, 6
_DIGITS = 5


class Appearance:
    """Mean colours over the clip of 4 by 6 parts of the picture: RGB as [-0.5, 0.5] about middle grey, 72 numbers.

    Two clips of one scene are alike by it, and so are any two that share colours and layout. Blind to what moves and
    how, and to all that is smaller than a sixth of the picture.
    """

    def __init__(self) -> None:
        self._count = 0
        self._total_HWC = np.zeros((APPEARANCE_ROWS, APPEARANCE_COLUMNS, 3))

    def see(self, view: View, _: Step | None, /) -> None:
        size = APPEARANCE_COLUMNS, APPEARANCE_ROWS
        self._total_HWC += cv2.resize(view.colour_HWC.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        self._count += 1

    def measures(self) -> dict[str, Measure]:
        """None: it says nothing of a clip alone."""
        return {}

    def features(self) -> dict[str, tuple[float, ...]]:
        centred = self._total_HWC / (255 * self._count) - 0.5
        return {"appearance": tuple(np.round(centred.ravel(), _DIGITS).tolist())}

"""Black bars around the picture: found by the first frames, and left out of everything that is measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reelops.metrics.place import Place

LOOKED_AT = 6
"""So many of the first frames must have the same bars."""

# Grey levels: what counts as black, how much it may vary, and by how much the picture beside it is lighter at least.
_BLACK, _EVEN, _BESIDE = 20, 2.0, 6.0
_LEAST, _MOST = 0.02, 0.35  # of a side, on one end
_SMALLEST_SIDE = 48  # pixels that must be left
_SOFT = 4


@dataclass(frozen=True)
class Bars:
    """Pixels that are left out at each edge, of a picture of that size."""

    top: int
    bottom: int
    left: int
    right: int
    width: int
    height: int

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture within."""
        return self.width - self.left - self.right, self.height - self.top - self.bottom

    def without(self, frame_HWC: np.ndarray) -> np.ndarray:
        """The picture within the bars."""
        within: np.ndarray = frame_HWC[self.top : self.height - self.bottom, self.left : self.width - self.right]
        return within

    def of_whole(self, place: Place) -> Place:
        """A place within the bars as one of the whole picture."""
        if place.box is None:
            return Place(place.frame, since=place.since)
        width, height = self.size
        left, top, right, bottom = place.box
        x = [(self.left + share * width) / self.width for share in (left, right)]
        y = [(self.top + share * height) / self.height for share in (top, bottom)]
        return Place(place.frame, (x[0], y[0], x[1], y[1]), since=place.since)

    def __str__(self) -> str:
        width, height = self.size
        return f"black bars were left out: {width}x{height} of {self.width}x{self.height} is picture"


def find_bars(grays_THW: Sequence[np.ndarray]) -> Bars | None:
    """Bars that all of these frames have, luma uint8 of one size; None where there are none.

    A bar is a run of whole lines at an edge that are black and even, beside a picture that is not.
    """
    height, width = grays_THW[0].shape
    # At any place the lightest that was there: what is black in it was black in all frames. A sky at night is alive.
    lightest = np.max(grays_THW, axis=0)
    alive = lightest - np.min(grays_THW, axis=0)
    top, bottom = _bar(lightest, alive), _bar(lightest[::-1], alive[::-1])
    left, right = _bar(lightest.T, alive.T), _bar(lightest.T[::-1], alive.T[::-1])
    bars = Bars(top, bottom, left, right, width, height)
    return None if bars.size == (width, height) or min(bars.size) < _SMALLEST_SIDE else bars


def _bar(lightest_HW: np.ndarray, alive_HW: np.ndarray) -> int:
    """How many of the first lines are one."""
    length = len(lightest_HW)
    dark = lightest_HW[: int(_MOST * length) + 1].max(axis=1) <= _BLACK
    run = len(dark) if dark.all() else int(np.argmin(dark))
    if not _LEAST * length <= run <= _MOST * length:
        return 0
    bar = lightest_HW[:run]
    # Encoders soften the edge over a few lines.
    beside = np.percentile(lightest_HW[run : run + _SOFT], 90) - np.percentile(bar, 90)
    return run if max(bar.std(), alive_HW[:run].mean()) <= _EVEN and beside >= _BESIDE else 0

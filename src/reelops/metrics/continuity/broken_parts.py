"""Broken parts: do pieces of the picture show for a moment what does not belong there?"""

from __future__ import annotations

import cv2
import numpy as np

from reelops.metrics.metric import Metric
from reelops.metrics.pace import FPS, Pace
from reelops.metrics.place import Place
from reelops.metrics.tracker import Measure
from reelops.metrics.view import Step, View
from reelops.optical_flow.working_size import WORKING_ROWS

# A side of a cell at working size, in pixels: a block of 16 pixels at 480 rows just fits in.
_CELL = 6

# Steps that are judged together, and at least.
_WINDOW, _FEWEST = 48, 12

# Grey levels that flow leaves unexplained anywhere; and the percentile of cells that is looked at: a few dozen of a
# window's are above it.
_GRAIN = 1.5
_PERCENT = 99.95


BROKEN_PARTS = Metric(
    name="broken_parts",
    title="Broken parts",
    unit="times",
    direction="lower is better",
    section="Continuity",
    description="how much more the worst pieces of the picture (cells of 18 pixels at 480 rows, a few dozen in six "
    "seconds) leave unexplained by flow than what is around them, their own place at other times, and the steps before "
    "and after; times the share of the picture whose flow is sure",
    blind_to="faults that last, and such as fill the frame; a bird that shoots past counts",
    above="Pieces of it show for a moment what does not belong there.",
    track=lambda setup: BrokenParts(setup.pace),
)


class BrokenParts:
    """Follows eight frames a second, six seconds at a time; of a longer clip the worst counts."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._num_frames = 0
        self._left: list[np.ndarray] = []
        self._frames: list[int] = []
        self._sure: list[float] = []
        self._worst: tuple[float, Place] | None = None

    def see(self, view: View, step: Step | None, /) -> None:
        taken = self._pace.take(view, step)
        if taken and taken.step is not None:
            pulled, before = taken.step.pulled, taken.step.before.gray_HW
            left = np.abs(pulled.gray_HW - before) * pulled.inside_HW
            height, width = left.shape
            size = max(3, round(width / _CELL)), max(3, round(height / _CELL))
            self._left.append(cv2.resize(left, size, interpolation=cv2.INTER_AREA))
            self._frames.append(self._num_frames)
            self._sure.append(float(taken.step.confirmed_HW.mean()))
            if len(self._left) == _WINDOW:
                self._judge()
        self._num_frames += 1

    def _judge(self) -> None:
        times = _times(np.stack(self._left))
        value = float(np.percentile(times, _PERCENT)) * float(np.mean(self._sure))
        if self._worst is None or value > self._worst[0]:
            step = int(np.unravel_index(int(np.argmax(times)), times.shape)[0])
            self._worst = value, Place.of_heat(self._frames[step + 2], np.maximum(times[step] - 1, 0))
        self._left, self._frames, self._sure = [], [], []

    def measures(self) -> dict[str, Measure]:
        how = f"luma along DIS flow at {WORKING_ROWS} rows, {FPS} frames a second"
        if len(self._left) >= _FEWEST:
            self._judge()
        if self._worst is None:
            why = f"it takes {_FEWEST + 1} frames, {FPS} a second"
            return {"broken_parts": Measure(None, how, why, applies=False)}
        value, place = self._worst
        return {"broken_parts": Measure(value, how, place=place)}


def _times(left_Thw: np.ndarray) -> np.ndarray:
    """What each cell leaves unexplained beside what may be expected there, but for the first and last two steps."""
    usual = np.maximum(_around(left_Thw), np.median(left_Thw, axis=0)) + _GRAIN
    in_time = (left_Thw[:-4] + left_Thw[4:]) / 2
    times: np.ndarray = left_Thw[2:-2] / np.maximum(usual[2:-2], in_time)
    return times


def _around(cells_Thw: np.ndarray) -> np.ndarray:
    """The median of the eight cells around each."""
    rows, columns = cells_Thw.shape[1:]
    padded = np.pad(cells_Thw, ((0, 0), (1, 1), (1, 1)), "edge")
    shifts = [(y, x) for y in range(3) for x in range(3) if (y, x) != (1, 1)]
    around: np.ndarray = np.median(np.stack([padded[:, y : y + rows, x : x + columns] for y, x in shifts]), axis=0)
    return around

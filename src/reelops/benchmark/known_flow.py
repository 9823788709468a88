"""Pairs of pictures whose flow is known: a photograph that is shifted, zoomed or turned, whole or in part."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from reelops.optical_flow.working_size import STATED_ROWS


@dataclass(frozen=True)
class KnownMotion:
    """A similarity about the picture's middle: what stands at x goes to zoom R(degrees) x + shift.

    Attributes:
        shift_x, shift_y: pixels at 480 rows, right and down.
        zoom: magnification.
        degrees: clockwise.
    """

    name: str
    shift_x: float = 0.0
    shift_y: float = 0.0
    zoom: float = 1.0
    degrees: float = 0.0

    @property
    def matrix(self) -> np.ndarray:
        """2x3, on pixels at 480 rows counted from the middle."""
        angle = math.radians(self.degrees)
        cosine, sine = self.zoom * math.cos(angle), self.zoom * math.sin(angle)
        return np.array([[cosine, -sine, self.shift_x], [sine, cosine, self.shift_y]])

    def repeated(self, times: int) -> KnownMotion:
        """It so many times in a row, where it is a shift, a zoom or a turn alone."""
        return KnownMotion(
            self.name, self.shift_x * times, self.shift_y * times, self.zoom**times, self.degrees * times
        )


MOTIONS = (
    KnownMotion("pan 0.3 px", shift_x=0.3),
    KnownMotion("pan 1 px", shift_x=0.8, shift_y=0.6),
    KnownMotion("pan 3 px", shift_x=-3.2),
    KnownMotion("pan 8 px", shift_x=6.4, shift_y=4.8),
    KnownMotion("pan 16 px", shift_x=-15.7, shift_y=2.3),
    KnownMotion("pan 40 px", shift_x=32.0, shift_y=-24.0),
    KnownMotion("zoom 1.005", zoom=1.005),
    KnownMotion("zoom 1.02", zoom=1.02),
    KnownMotion("zoom 0.95", zoom=0.95),
    KnownMotion("zoom 1.1", zoom=1.1),
    KnownMotion("turn 0.3 degrees", degrees=0.3),
    KnownMotion("turn 2 degrees", degrees=-2.0),
    KnownMotion("turn 5 degrees", degrees=5.0),
)


def moved_pair(gray_HW: np.ndarray, motion: KnownMotion, width: int = 720) -> tuple[np.ndarray, np.ndarray]:
    """Two uint8 pictures (480, width): the middle of a photograph (uint8), and the same after the motion.

    Both are looked up in the photograph itself, smoothed beforehand as far as it is finer, so the second is no blurred
    copy of the first.
    """
    finer = min(gray_HW.shape[0] / STATED_ROWS, gray_HW.shape[1] / width)
    smooth = gray_HW.astype(np.float32)
    if finer > 1:
        smooth = cv2.GaussianBlur(smooth, (0, 0), 0.5 * math.sqrt(finer**2 - 1))
    still = KnownMotion("still").matrix
    return _looked_up(smooth, still, finer, width), _looked_up(smooth, motion.matrix, finer, width)


@dataclass(frozen=True)
class KnownSequence:
    """Steps of a scene whose motion is known, uneven as a lively clip's is.

    Attributes:
        lengths: how far what moves goes at each step, in pixels at 480 rows.
        share: how much of the picture moves: all of it, or a band across it before a scene that stands still.
    """

    name: str
    lengths: tuple[float, ...]
    share: float = 1.0

    @property
    def magnitudes(self) -> list[float]:
        """Mean length of the true flow at each step, in pixels at 480 rows."""
        return [length * self._band_rows / STATED_ROWS for length in self.lengths]

    @property
    def _band_rows(self) -> int:
        return round(self.share * STATED_ROWS)

    def pairs(self, still_HW: np.ndarray, moving_HW: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Two uint8 pictures (480, 720) a step, of photographs for what stands still and for what moves."""
        behind = moved_pair(still_HW, KnownMotion("still"))[0]
        top = (STATED_ROWS - self._band_rows) // 2
        for number, length in enumerate(self.lengths):
            angle = math.radians(137.5 * number) if self.share == 1 else math.pi * (number % 2)
            motion = KnownMotion(self.name, length * math.cos(angle), length * math.sin(angle))
            before, after = behind.copy(), behind.copy()
            band = slice(top, top + self._band_rows)
            before[band], after[band] = (picture[band] for picture in moved_pair(moving_HW, motion))
            yield before, after


SEQUENCES = (
    KnownSequence("everything moves", (2, 10, 20, 30, 40)),
    KnownSequence("a band across half of it moves", (4, 20, 40, 56, 72), share=0.5),
)
"""About as lively as the clips whose scores by two flows differ."""


def _looked_up(photo_HW: np.ndarray, matrix: np.ndarray, finer: float, width: int) -> np.ndarray:
    x, y = _from_the_middle(STATED_ROWS, width)
    back = np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))
    from_x = (back[0, 0] * x + back[0, 1] * y + back[0, 2]) * finer + (photo_HW.shape[1] - 1) / 2
    from_y = (back[1, 0] * x + back[1, 1] * y + back[1, 2]) * finer + (photo_HW.shape[0] - 1) / 2
    maps = from_x.astype(np.float32), from_y.astype(np.float32)
    picture = cv2.remap(photo_HW, *maps, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(np.clip(np.rint(picture), 0, 255), dtype=np.uint8)


def _from_the_middle(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """x and y of pixel centres at 480 rows, for a picture of `height` rows."""
    scale = STATED_ROWS / height
    y, x = np.mgrid[:height, :width].astype(np.float64)
    return (x + 0.5 - width / 2) * scale, (y + 0.5 - height / 2) * scale


def true_flow(motion: KnownMotion, height: int, width: int) -> np.ndarray:
    """The flow (height, width, 2) that a `moved_pair` has at that size, in its pixels."""
    x, y = _from_the_middle(height, width)
    matrix = motion.matrix
    to = [row[0] * x + row[1] * y + row[2] for row in matrix]
    flow: np.ndarray = np.stack([to[0] - x, to[1] - y], axis=2) * (height / STATED_ROWS)
    return flow


def end_point_error(flow_HW2: np.ndarray, motion: KnownMotion) -> float:
    """Mean distance in pixels at 480 rows between a flow, measured at any size, and the truth; over all pixels."""
    height, width = flow_HW2.shape[:2]
    distance = np.linalg.norm(flow_HW2 - true_flow(motion, height, width), axis=2)
    return float(distance.mean() * STATED_ROWS / height)

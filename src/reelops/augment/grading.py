"""Grades: how the colours of a clip are turned into others, all at once or bit by bit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class Grade:
    """A change of the channels: red, green and blue times `gain`, plus `lift` in grey levels of 0 to 255."""

    gain: tuple[float, float, float]
    lift: tuple[float, float, float] = (0.0, 0.0, 0.0)


# A scene by night as films show it: four stops darker, and blue.
NIGHT = Grade(gain=(0.22, 0.27, 0.38), lift=(0.0, 1.0, 6.0))
NIGHTFALL_ENDS = 0.7
"""When night has fallen, as a share of the clip."""


def nightfall(times: np.ndarray) -> np.ndarray:
    """How much of the night there is at each time of a clip in [0, 1]: as much more with each frame, then all of it."""
    return np.clip(times / NIGHTFALL_ENDS, 0, 1)


def grade(frames_THWC: np.ndarray, towards: Grade, shares_T: Sequence[float] | np.ndarray) -> np.ndarray:
    """Frames (T, H, W, 3), RGB uint8, each graded by its share: 0 leaves it as it is, 1 takes it all the way."""
    levels = np.arange(256)[:, None]
    change = levels * (np.array(towards.gain) - 1) + np.array(towards.lift)
    graded = []
    for frame_HWC, share in zip(frames_THWC, shares_T, strict=True):
        table = np.clip(np.rint(levels + share * change), 0, 255).astype(np.uint8)
        graded.append(cv2.LUT(np.ascontiguousarray(frame_HWC), table[:, None, :]))
    return np.stack(graded)

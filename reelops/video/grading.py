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


# The light of a low sun: what was grey becomes amber.
GOLDEN_HOUR = Grade(gain=(1.12, 0.94, 0.5), lift=(14.0, 4.0, 0.0))


def grade(frames_THWC: np.ndarray, towards: Grade, shares_T: Sequence[float] | np.ndarray) -> np.ndarray:
    """Frames (T, H, W, 3), RGB uint8, each graded by its share: 0 leaves it as it is, 1 takes it all the way."""
    levels = np.arange(256)[:, None]
    change = levels * (np.array(towards.gain) - 1) + np.array(towards.lift)
    graded = []
    for frame_HWC, share in zip(frames_THWC, shares_T, strict=True):
        table = np.clip(np.rint(levels + share * change), 0, 255).astype(np.uint8)
        graded.append(cv2.LUT(np.ascontiguousarray(frame_HWC), table[:, None, :]))
    return np.stack(graded)

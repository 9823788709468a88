"""A frame with a part of it marked: warm where it counts most, and a box around the region."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

_WARM = np.array([255, 40, 20], np.float32)
_MOST = 0.55
_LINE = (255, 214, 10)


def marked(
    frame_HWC: np.ndarray,
    box: tuple[float, float, float, float] | None,
    heat: Sequence[Sequence[float]] | None = None,
) -> np.ndarray:
    """The frame, RGB uint8, with the part of it marked.

    Args:
        box: left, top, right and bottom as shares of the picture; None draws none.
        heat: rows of a grid over the picture, in [0, 1]; None warms nothing.
    """
    height, width = frame_HWC.shape[:2]
    shown = frame_HWC.copy()
    if heat is not None:
        grid = np.array(heat, np.float32)
        warmth = cv2.resize(grid, (width, height), interpolation=cv2.INTER_LINEAR)[..., None] * np.float32(_MOST)
        shown = np.rint(shown + (_WARM - shown) * warmth).astype(np.uint8)
    if box is not None:
        left, top, right, bottom = box
        thick = max(1, round(min(height, width) / 100))
        corner, other = (
            (round(left * width), round(top * height)),
            (round(right * width) - 1, round(bottom * height) - 1),
        )
        cv2.rectangle(shown, corner, other, _LINE, thick)
    return shown

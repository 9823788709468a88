"""What metrics look at: luma, brought to a working size that does not depend on the clip's own."""

from __future__ import annotations

import cv2
import numpy as np

# Motion is stated in pixels of a picture of this many rows, whatever size it was measured at.
STATED_ROWS = 480

# Flow by DIS, light and duplicates are measured here; the embedded model's clips need no resizing.
WORKING_ROWS = 160


def luma(frame_HWC: np.ndarray) -> np.ndarray:
    """Luma (H, W) uint8 of an RGB uint8 frame (ITU-R BT.601 weights)."""
    gray: np.ndarray = cv2.cvtColor(frame_HWC, cv2.COLOR_RGB2GRAY)
    return gray


def at_rows(gray_HW: np.ndarray, rows: int) -> np.ndarray:
    """The same picture `rows` high, its aspect kept."""
    height, width = gray_HW.shape
    if height == rows:
        return gray_HW
    interpolation = cv2.INTER_AREA if rows < height else cv2.INTER_CUBIC
    resized: np.ndarray = cv2.resize(gray_HW, (max(1, round(width * rows / height)), rows), interpolation=interpolation)
    return resized

"""What metrics look at: luma, brought to a working size that does not depend on the clip's own."""

from __future__ import annotations

import cv2
import numpy as np

# Motion is stated in pixels of a picture of this many rows, whatever size it was measured at.
STATED_ROWS = 480

# Flow by DIS, light and duplicates are measured here; the embedded model's clips need no resizing.
WORKING_ROWS = 160

# Motion measured at fewer rows depends on how many: details that tell where things went are gone, and their motion
# spreads to what stands still. Of ten real clips one goes 5% farther at 120 rows than at 480, and 3% at 160.
SMALLEST_ROWS = 160

# So few that a thumbnail's pixel averages over noise and texture, and shows where light and dark are.
THUMB_ROWS = 20


def luma(frame_HWC: np.ndarray) -> np.ndarray:
    """Luma (H, W) uint8 of an RGB uint8 frame (ITU-R BT.601 weights)."""
    gray: np.ndarray = cv2.cvtColor(frame_HWC, cv2.COLOR_RGB2GRAY)
    return gray


def at_rows(picture: np.ndarray, rows: int) -> np.ndarray:
    """The same picture, with or without channels, `rows` high, its aspect kept."""
    height, width = picture.shape[:2]
    if height == rows:
        return picture
    interpolation = cv2.INTER_AREA if rows < height else cv2.INTER_CUBIC
    resized: np.ndarray = cv2.resize(picture, (max(1, round(width * rows / height)), rows), interpolation=interpolation)
    return resized

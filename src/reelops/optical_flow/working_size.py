"""What metrics look at: luma, brought to a working size that does not depend on the clip's own."""

from __future__ import annotations

import cv2
import numpy as np

from reelops.optical_flow.contract import SMALLEST_SIDE

# Motion is stated in pixels of a picture of this many rows, whatever size it was measured at.
STATED_ROWS = 480

# Flow by DIS, light and duplicates are measured here; the embedded model's clips need no resizing.
WORKING_ROWS = 160

# Motion measured at fewer rows depends on how many: details that tell where things went are gone, and their motion
# spreads to what stands still. Of ten real clips one goes 5% farther at 120 rows than at 480, and 3% at 160.
SMALLEST_ROWS = 160

# So few that a thumbnail's pixel averages over noise and texture, and shows where light and dark are.
THUMB_ROWS = 20

# OpenCV's warps take sides below 2^15.
_MOST_COLUMNS = 32_000


def luma(frame_HWC: np.ndarray) -> np.ndarray:
    """Luma (H, W) uint8 of an RGB uint8 frame (ITU-R BT.601 weights)."""
    gray: np.ndarray = cv2.cvtColor(frame_HWC, cv2.COLOR_RGB2GRAY)
    return gray


def at_rows(picture: np.ndarray, rows: int) -> np.ndarray:
    """The same picture, with or without channels, `rows` high.

    Its aspect is kept but for ribbons, which would become too narrow for a flow, or too wide to be warped.
    """
    height, width = picture.shape[:2]
    columns = min(max(round(width * rows / height), _fewest_columns(rows)), _MOST_COLUMNS)
    if (height, width) == (rows, columns):
        return picture
    interpolation = cv2.INTER_AREA if rows < height else cv2.INTER_CUBIC
    resized: np.ndarray = cv2.resize(picture, (columns, rows), interpolation=interpolation)
    return resized


def _fewest_columns(rows: int) -> int:
    return SMALLEST_SIDE if rows >= SMALLEST_ROWS else 1

"""Seeing one picture from where another one's pixels were."""

from __future__ import annotations

import cv2
import numpy as np


def targets(flow_HW2: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where each pixel goes, x and y (H, W) float32, and whether that is inside the picture, (H, W) bool."""
    height, width = flow_HW2.shape[:2]
    x = flow_HW2[..., 0] + np.arange(width, dtype=np.float32)
    y = flow_HW2[..., 1] + np.arange(height, dtype=np.float32)[:, None]
    return x, y, (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)


def along(picture_HW: np.ndarray, flow_HW2: np.ndarray) -> np.ndarray:
    """The picture (with or without channels) as seen from where the flow starts; beyond its edge the edge repeats."""
    x, y, _ = targets(flow_HW2)
    return _looked_up(picture_HW, x, y)


def pull_back(next_HW: np.ndarray, flow_HW2: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The next picture seen from where the previous one's pixels were.

    Returns:
        the warped picture (H, W) float32, and where it is known (H, W) bool: the flow stays inside the picture.
    """
    x, y, inside = targets(flow_HW2)
    return _looked_up(next_HW.astype(np.float32), x, y), inside


def _looked_up(picture_HW: np.ndarray, x_HW: np.ndarray, y_HW: np.ndarray) -> np.ndarray:
    seen: np.ndarray = cv2.remap(picture_HW, x_HW, y_HW, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return seen

"""Frames at their final size: the clip enlarged, and the picture's detail brought onto it."""

from __future__ import annotations

import math
from concurrent.futures import Executor

import cv2
import numpy as np

from reelops.detail.agreement import Agreement

# The picture is kept at sizes this far apart, so that none of its detail is lost where the camera goes near, and none
# turns to false patterns where it draws back.
_STEPS_AN_OCTAVE = 16
_SPARE = (
    1.25  # it may be larger than it is seen by so much: fine lines stay sharp, and false patterns are too weak to see
)


class PictureAtScales:
    """The picture as large as it is seen: seen from farther off it is smaller.

    Args:
        picture_HWC: RGB uint8, at or above `size`.
        size: width and height of the finished clip.
    """

    def __init__(self, picture_HWC: np.ndarray, size: tuple[int, int]) -> None:
        self._picture_HWC, self._size = picture_HWC, size
        self._step, self._scaled_HWC = 0, sized(picture_HWC, size)

    def seen_at(self, scale: float) -> np.ndarray:
        """The picture for frames in which one pixel spans `scale` pixels of the picture at the clip's size.

        It is larger than the clip for a scale below one, where the picture has as much, and smaller above.
        """
        step = round(math.log2(min(max(scale, 0.125), 8.0)) * _STEPS_AN_OCTAVE)
        if step != self._step:
            height, width = self._picture_HWC.shape[:2]
            times = 2 ** (-step / _STEPS_AN_OCTAVE)
            times = min(max(times, min(1.0, _SPARE * times)), width / self._size[0], height / self._size[1])
            self._scaled_HWC = sized(self._picture_HWC, (round(self._size[0] * times), round(self._size[1] * times)))
            self._step = step
        return self._scaled_HWC


def scale_of(flow_HW2: np.ndarray, inside_HW: np.ndarray) -> float:
    """How many pixels of the picture a pixel of the frame spans, in the middle of what is seen of it."""
    across, down = np.gradient(flow_HW2[::2, ::2, 0], 2, axis=1), np.gradient(flow_HW2[::2, ::2, 1], 2, axis=0)
    areas = ((1 + across) * (1 + down))[inside_HW[::2, ::2] > 0]
    return math.sqrt(max(float(np.median(areas)), 1e-3)) if areas.size else 1.0


def brought_onto(
    frame_flow_HW2: np.ndarray, picture_HWC: np.ndarray, size: tuple[int, int], beside: Executor
) -> np.ndarray:
    """The picture as the frame would show it, RGB uint8, at the frame's final size.

    Args:
        frame_flow_HW2: from the frame to the picture, in pixels of the clip.
        picture_HWC: RGB uint8, at any size.
        beside: does the lower half.
    """
    x, y = _places(frame_flow_HW2, picture_HWC, size)
    upper, lower = slice(0, size[1] // 2), slice(size[1] // 2, None)
    coming = beside.submit(_looked_up, picture_HWC, x[lower], y[lower])
    return np.concatenate([_looked_up(picture_HWC, x[upper], y[upper]), coming.result()])


def _looked_up(picture_HWC: np.ndarray, x_HW: np.ndarray, y_HW: np.ndarray) -> np.ndarray:
    seen: np.ndarray = cv2.remap(picture_HWC, x_HW, y_HW, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return seen


def enlarged(agreed: Agreement, seen_HWC: np.ndarray, small_HWC: np.ndarray) -> np.ndarray:
    """A frame at its final size, RGB uint8: base + gain (seen - small), where base and small are enlarged alike.

    Args:
        seen_HWC: the picture brought onto the frame, RGB uint8, at the final size.
        small_HWC: the same at the clip's size.
    """
    size = seen_HWC.shape[1], seen_HWC.shape[0]
    if not agreed.gain_HW.any():
        return _rounded(cv2.resize(agreed.base_HWC, size, interpolation=cv2.INTER_CUBIC))
    coarse_HWC = agreed.base_HWC - agreed.gain_HW[..., None] * small_HWC
    result = cv2.resize(coarse_HWC, size, interpolation=cv2.INTER_CUBIC)
    result += cv2.resize(agreed.gain_HW, size, interpolation=cv2.INTER_CUBIC)[..., None] * seen_HWC
    return _rounded(result)


def _places(flow_HW2: np.ndarray, picture_HWC: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Where in the picture, at its size, each pixel of the finished frame lies."""
    (height, width), (tall, wide) = flow_HW2.shape[:2], picture_HWC.shape[:2]
    flow = cv2.resize(flow_HW2, size, interpolation=cv2.INTER_LINEAR)
    x = (np.arange(size[0], dtype=np.float32) + np.float32(0.5)) * np.float32(wide / size[0]) - np.float32(0.5)
    y = (np.arange(size[1], dtype=np.float32) + np.float32(0.5)) * np.float32(tall / size[1]) - np.float32(0.5)
    return flow[..., 0] * np.float32(wide / width) + x, flow[..., 1] * np.float32(tall / height) + y[:, None]


def sized(picture_HWC: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The picture at a size at or below its own."""
    if (picture_HWC.shape[1], picture_HWC.shape[0]) == size:
        return picture_HWC
    resized: np.ndarray = cv2.resize(picture_HWC, size, interpolation=cv2.INTER_AREA)
    return resized


def _rounded(frame_HWC: np.ndarray) -> np.ndarray:
    """uint8, where what lies beyond its range ends at it."""
    rounded: np.ndarray = cv2.convertScaleAbs(np.maximum(frame_HWC, 0, out=frame_HWC))
    return rounded

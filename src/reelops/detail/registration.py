"""Where every pixel of a frame was in the picture: flow from frame to frame, each time corrected by the picture."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from reelops.detail.whole_picture import steadied
from reelops.optical_flow.engines import Dis
from reelops.optical_flow.warp import along, targets
from reelops.optical_flow.working_size import luma

# Flow finds fractions of a pixel more surely in small frames that are enlarged first, and large ones gain nothing.
_ENLARGED_BELOW_ROWS, _MOST_ROWS = 240, 480
# A blurred frame is compared with a picture that is blurred as well: pixels at the size that its flow is found at.
_SOFT_BLUR = 1.5


@dataclass(frozen=True)
class Registered:
    """One frame's motion back to the picture, at the clip's size.

    Attributes:
        flow_HW2: from the frame to the picture, float32, in pixels of the clip.
        apart_HW: how far from home the way there and back ends, float32, in pixels of the clip.
        inside_HW: 1 where the way ends in the picture and 0 where it leaves it, float32.
    """

    flow_HW2: np.ndarray
    apart_HW: np.ndarray
    inside_HW: np.ndarray


@dataclass(frozen=True)
class _Known:
    gray_HW: np.ndarray
    there_HW2: np.ndarray
    back_HW2: np.ndarray


class Registration:
    """Follows a clip. Errors do not pile up, since each frame is compared with the picture itself.

    Args:
        picture_HWC: RGB uint8 at the clip's size.
    """

    def __init__(self, picture_HWC: np.ndarray) -> None:
        height, width = picture_HWC.shape[:2]
        self._size = width, height
        rows = 2 * height if height < _ENLARGED_BELOW_ROWS else min(height, _MOST_ROWS)
        self._working = max(16, round(width * rows / height)), rows
        self._picture_HW = luma(picture_HWC)
        self._engine, self._engine_back = Dis(), Dis()
        self._before: _Known | None = None

    def see(self, frame_HWC: np.ndarray, soft: bool) -> Registered:
        """The next frame; `soft` where the clip is too blurred for fine motion to be found in it."""
        working = self._halved() if soft else self._working
        gray_HW, picture_HW = (self._prepared(part, working, soft) for part in (luma(frame_HWC), self._picture_HW))
        known = self._registered(gray_HW, picture_HW)
        self._before = known
        apart_HW = _length(known.there_HW2 + along(known.back_HW2, known.there_HW2))
        scale = np.float32(self._size[1] / working[1])
        flow_HW2 = _resized(known.there_HW2, self._size) * scale
        apart_HW = _resized(apart_HW, self._size) * scale
        if soft:
            flow_HW2 = steadied(flow_HW2, apart_HW, *(_resized(part, self._size) for part in (gray_HW, picture_HW)))
        return Registered(flow_HW2, apart_HW, targets(flow_HW2)[2].astype(np.float32))

    def forget(self) -> None:
        """Nothing of the picture is seen any longer: the next frame is looked for afresh."""
        self._before = None

    def _registered(self, gray_HW: np.ndarray, picture_HW: np.ndarray) -> _Known:
        if self._before is None:
            there, back = self._engine.flow(gray_HW, picture_HW), self._engine_back.flow(picture_HW, gray_HW)
            return _Known(gray_HW, there, back)
        before = _at(self._before, (gray_HW.shape[1], gray_HW.shape[0]))
        step = self._engine.flow(gray_HW, before.gray_HW)
        there = self._engine.flow_from(gray_HW, picture_HW, step + along(before.there_HW2, step))
        back = self._engine_back.flow_from(picture_HW, gray_HW, before.back_HW2)
        return _Known(gray_HW, there, back)

    def _prepared(self, gray_HW: np.ndarray, working: tuple[int, int], soft: bool) -> np.ndarray:
        sized = _resized(gray_HW, working)
        return cv2.GaussianBlur(sized, (0, 0), _SOFT_BLUR) if soft else sized

    def _halved(self) -> tuple[int, int]:
        width, height = self._working
        return max(16, width // 2), max(16, height // 2)


def _at(known: _Known, size: tuple[int, int]) -> _Known:
    """The same where the last frame was looked at at another size."""
    if (known.gray_HW.shape[1], known.gray_HW.shape[0]) == size:
        return known
    scale = np.float32(size[1] / known.gray_HW.shape[0])
    flows = (_resized(flow, size) * scale for flow in (known.there_HW2, known.back_HW2))
    return _Known(_resized(known.gray_HW, size), *flows)


def _resized(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    height, width = picture.shape[:2]
    if (width, height) == size:
        return picture
    smaller = size[0] < width
    how = (cv2.INTER_AREA if smaller else cv2.INTER_CUBIC) if picture.dtype == np.uint8 else cv2.INTER_LINEAR
    resized: np.ndarray = cv2.resize(picture, size, interpolation=how)
    return resized


def _length(flow_HW2: np.ndarray) -> np.ndarray:
    length: np.ndarray = cv2.magnitude(flow_HW2[..., 0], flow_HW2[..., 1])
    return length

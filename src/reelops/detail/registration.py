"""Where every pixel of a frame was in the picture: flow from frame to frame, each time corrected by the picture."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass

import cv2
import numpy as np

from reelops.detail.blending import blurred
from reelops.detail.whole_picture import WholePicture, with_own_ways
from reelops.optical_flow.contract import SMALLEST_SIDE
from reelops.optical_flow.engines import Dis
from reelops.optical_flow.warp import along, targets
from reelops.optical_flow.working_size import luma

# Pixels of the shorter side. Flow finds fractions of a pixel more surely in small frames that are enlarged first, and
# large ones gain nothing.
_ENLARGED_BELOW, _MOST = 240, 480
# A blurred frame is compared with a picture that is blurred as well: pixels at the size that its flow is found at.
_SOFT, _SOFT_BLUR = 160, 1.5
_EDGE = 0.5  # a pixel reaches so far beyond its middle


@dataclass(frozen=True)
class Registered:
    """One frame's motion back to the picture, at the clip's size.

    Attributes:
        flow_HW2: from the frame to the picture, float32, in pixels of the clip.
        apart_HW: how far from home the way there and back ends, float32, in pixels of the clip; 0 where the picture as
            a whole was followed.
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
        beside: finds the way back while the way there is found.
    """

    def __init__(self, picture_HWC: np.ndarray, beside: Executor) -> None:
        self._beside = beside
        height, width = picture_HWC.shape[:2]
        self._size = width, height
        self._picture_HW = luma(picture_HWC)
        self._engine, self._engine_back = Dis(), Dis()
        self._working = _times(
            2 if min(height, width) < _ENLARGED_BELOW else min(1, _MOST / min(height, width)), self._size
        )
        self._working_picture_HW = _resized(self._picture_HW, self._working)
        self._before: _Known | None = None
        self._soft_working = _times(min(1, _SOFT / min(height, width)), self._size)
        self._soft_picture_HW = self._blurred(self._picture_HW)
        self._whole = WholePicture(self._soft_picture_HW)

    def see(self, frame_HWC: np.ndarray, soft: bool) -> Registered:
        """The next frame; `soft` where the clip is too blurred for fine motion to be found in it."""
        return self._soft(luma(frame_HWC)) if soft else self._sharp(luma(frame_HWC))

    def forget(self) -> None:
        """Nothing of the picture is seen any longer: the next frame is looked for afresh."""
        self._before = None
        self._whole.forget()

    def _sharp(self, frame_HW: np.ndarray) -> Registered:
        gray_HW, picture_HW = _resized(frame_HW, self._working), self._working_picture_HW
        if self._before is None:
            coming = self._beside.submit(self._engine_back.flow, picture_HW, gray_HW)
            there = self._engine.flow(gray_HW, picture_HW)
        else:
            coming = self._beside.submit(self._engine_back.flow_from, picture_HW, gray_HW, self._before.back_HW2)
            step = self._engine.flow(gray_HW, self._before.gray_HW)
            there = self._engine.flow_from(gray_HW, picture_HW, step + along(self._before.there_HW2, step))
        back = coming.result()
        self._before = _Known(gray_HW, there, back)
        rest_HW2 = there + along(back, there)
        apart_HW = cv2.magnitude(rest_HW2[..., 0], rest_HW2[..., 1])
        scale = np.float32(self._size[1] / self._working[1])
        return _registered(_resized(there, self._size) * scale, _resized(apart_HW, self._size) * scale)

    def _soft(self, frame_HW: np.ndarray) -> Registered:
        self._before = None
        gray_HW, picture_HW = self._blurred(frame_HW), self._soft_picture_HW
        whole_HW2 = self._whole.see(gray_HW)
        if whole_HW2 is None:
            flow_HW2 = self._engine.flow(gray_HW, picture_HW)
        else:
            flow_HW2 = self._engine.flow_from(gray_HW, picture_HW, whole_HW2)
            flow_HW2 = with_own_ways(whole_HW2, flow_HW2, gray_HW, picture_HW)
        flow_HW2 = _resized(flow_HW2, self._size) * np.float32(self._size[1] / self._soft_working[1])
        return _registered(flow_HW2, np.zeros(flow_HW2.shape[:2], np.float32))

    def _blurred(self, frame_HW: np.ndarray) -> np.ndarray:
        return blurred(_resized(frame_HW, self._soft_working), _SOFT_BLUR)


def _registered(flow_HW2: np.ndarray, apart_HW: np.ndarray) -> Registered:
    height, width = apart_HW.shape
    x, y, _ = targets(flow_HW2)
    inside = (x >= -_EDGE) & (x <= width - 1 + _EDGE) & (y >= -_EDGE) & (y <= height - 1 + _EDGE)
    return Registered(flow_HW2, apart_HW, inside.astype(np.float32))


def _times(times: float, size: tuple[int, int]) -> tuple[int, int]:
    return max(SMALLEST_SIDE, round(size[0] * times)), max(SMALLEST_SIDE, round(size[1] * times))


def _resized(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    height, width = picture.shape[:2]
    if (width, height) == size:
        return picture
    smaller = size[0] < width
    how = (cv2.INTER_AREA if smaller else cv2.INTER_CUBIC) if picture.dtype == np.uint8 else cv2.INTER_LINEAR
    resized: np.ndarray = cv2.resize(picture, size, interpolation=how)
    return resized

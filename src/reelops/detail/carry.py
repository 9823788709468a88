"""A clip enlarged, with the detail of its picture wherever the picture is still seen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from reelops.detail.settings import DEFAULT_SETTINGS, DetailSettings
from reelops.errors import VideoError
from reelops.optical_flow.contract import SMALLEST_SIDE
from reelops.optical_flow.engines import Dis
from reelops.optical_flow.forward_backward import confirmed
from reelops.optical_flow.threads import one_opencv_thread
from reelops.optical_flow.warp import along
from reelops.optical_flow.working_size import luma


@dataclass(frozen=True)
class DetailedFrame:
    """One frame of the finished clip.

    Attributes:
        frame_HWC: RGB uint8, at the size that was asked for.
        share: of its pixels that carry the picture's detail, in [0, 1]; 0 is the clip alone, enlarged.
    """

    frame_HWC: np.ndarray
    share: float


def carry_detail(
    frames: Iterable[np.ndarray],
    picture_HWC: np.ndarray,
    size: tuple[int, int],
    settings: DetailSettings = DEFAULT_SETTINGS,
) -> Iterator[DetailedFrame]:
    """Every frame at `size`, with the picture's detail where it is still seen.

    Light, colour and motion are the clip's. Where the clip departs from its picture (uncovered places, things that
    change, faces that turn) it is the clip alone, well enlarged: nothing is invented. Memory does not grow with the
    clip; equal input gives equal bits.

    Args:
        frames: RGB uint8 (H, W, 3), one after the other, all of one size; the first one shows the picture.
        picture_HWC: RGB uint8, framed as the clip frames it (same aspect but for rounding), and at or above `size`.
        size: width and height of the finished clip in pixels, at or above the clip's own.
        settings: how detail is carried.

    Raises:
        VideoError: frames of several sizes, or smaller than 16 pixels a side, or `size` is below theirs or above the
            picture's.
    """
    with one_opencv_thread():
        followed = None
        for frame_HWC in frames:
            if followed is None:
                _check(frame_HWC, picture_HWC, size)
                followed = _Carrier(frame_HWC.shape, picture_HWC, size, settings)
            yield followed.see(frame_HWC)


def _check(frame_HWC: np.ndarray, picture_HWC: np.ndarray, size: tuple[int, int]) -> None:
    height, width = frame_HWC.shape[:2]
    tall, wide = picture_HWC.shape[:2]
    if min(height, width) < SMALLEST_SIDE:
        raise VideoError(f"Detail is carried from {SMALLEST_SIDE} pixels a side on; the clip is {width}x{height}.")
    if size[0] < width or size[1] < height:
        raise VideoError(f"The clip is {width}x{height}, larger than the {size[0]}x{size[1]} asked for. Ask for more.")
    if wide < size[0] or tall < size[1]:
        raise VideoError(
            f"The picture is {wide}x{tall} and has no detail for {size[0]}x{size[1]}. Ask for no more than it has."
        )


class _Carrier:
    """Follows one clip."""

    def __init__(
        self, shape: tuple[int, ...], picture_HWC: np.ndarray, size: tuple[int, int], settings: DetailSettings
    ) -> None:
        self._shape, self._size, self._settings = shape, size, settings
        small = (shape[1], shape[0])
        self._picture_HWC = _at(picture_HWC, size).astype(np.float32)
        coarse = cv2.resize(_at(picture_HWC, small), size, interpolation=cv2.INTER_CUBIC).astype(np.float32)
        self._fine_HWC = self._picture_HWC - coarse
        self._small_HWC = _at(picture_HWC, small)
        self._gray_HW = luma(self._small_HWC)
        self._engine = Dis()

    def see(self, frame_HWC: np.ndarray) -> DetailedFrame:
        if frame_HWC.shape != self._shape:
            raise VideoError(
                f"A frame is {frame_HWC.shape[1]}x{frame_HWC.shape[0]} in a clip of {self._shape[1]}x{self._shape[0]}. "
                "Give frames of one size."
            )
        gray_HW = luma(frame_HWC)
        there = self._engine.flow(gray_HW, self._gray_HW)
        back = self._engine.flow(self._gray_HW, gray_HW)
        seen = along(self._small_HWC, there)
        alike = np.abs(seen.astype(np.float32) - frame_HWC).mean(axis=2) < 12
        trusted = (confirmed(there, back) & alike).astype(np.float32)
        trusted = cv2.GaussianBlur(cv2.erode(trusted, np.ones((3, 3), np.uint8)), (0, 0), 1.0)
        width, height = self._size
        scale = np.array([width / self._shape[1], height / self._shape[0]], np.float32)
        flow = cv2.resize(there, self._size, interpolation=cv2.INTER_LINEAR) * scale
        weight = cv2.resize(trusted, self._size, interpolation=cv2.INTER_LINEAR) * self._settings.strength
        enlarged = cv2.resize(frame_HWC, self._size, interpolation=cv2.INTER_CUBIC).astype(np.float32)
        detailed = enlarged + weight[..., None] * along(self._fine_HWC, flow)
        return DetailedFrame(np.clip(np.rint(detailed), 0, 255).astype(np.uint8), float((weight > 0.5).mean()))


def _at(picture_HWC: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    if (picture_HWC.shape[1], picture_HWC.shape[0]) == size:
        return picture_HWC
    resized: np.ndarray = cv2.resize(picture_HWC, size, interpolation=cv2.INTER_AREA)
    return resized

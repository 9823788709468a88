"""A clip enlarged, with the detail of its picture wherever the picture is still seen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass

import numpy as np

from reelops.detail.agreement import Agreement, agreement, detail_lost, softness_of_first
from reelops.detail.enlarging import PictureAtScales, brought_onto, enlarged, scale_of, sized
from reelops.detail.registration import Registered, Registration
from reelops.detail.settings import DEFAULT_SETTINGS, DetailSettings
from reelops.errors import VideoError
from reelops.optical_flow.contract import SMALLEST_SIDE
from reelops.optical_flow.threads import one_opencv_thread, worker


@dataclass(frozen=True)
class DetailedFrame:
    """One frame of the finished clip.

    Attributes:
        frame_HWC: RGB uint8, at the size that was asked for.
        share: of its pixels that carry the picture's detail, each by how much of it, in [0, 1]; 0 is the clip alone,
            enlarged. Smooth parts of a sharp clip have no detail to carry, and count nothing.
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
    height, width = picture_HWC.shape[:2]
    if width < size[0] or height < size[1]:
        raise VideoError(
            f"The picture is {width}x{height} and has no detail for {size[0]}x{size[1]}. Ask for no more than it has."
        )
    return _carried(frames, picture_HWC, size, settings)


@dataclass(frozen=True)
class _Followed:
    """What a frame takes from the picture; the picture brought onto it, at the final size and at the clip's."""

    agreed: Agreement
    seen_HWC: np.ndarray
    small_HWC: np.ndarray


def _carried(
    frames: Iterable[np.ndarray], picture_HWC: np.ndarray, size: tuple[int, int], settings: DetailSettings
) -> Iterator[DetailedFrame]:
    """While one frame is enlarged, the next one is followed on a thread of its own."""
    source = iter(frames)
    first_HWC = next(source, None)
    if first_HWC is None:
        return
    _check(first_HWC, size)
    with worker("follow-detail") as beside, worker("bring-detail") as helping:
        follower = _Follower(picture_HWC, (first_HWC.shape[1], first_HWC.shape[0]), size, settings, helping)
        coming: Future[_Followed] | None = beside.submit(follower.see, first_HWC)
        while coming is not None:
            followed = coming.result()
            frame_HWC = next(source, None)
            coming = None if frame_HWC is None else beside.submit(follower.see, frame_HWC)
            yield _finished(followed)


def _finished(followed: _Followed) -> DetailedFrame:
    with one_opencv_thread():
        frame_HWC = enlarged(followed.agreed, followed.seen_HWC, followed.small_HWC)
    return DetailedFrame(frame_HWC, float(followed.agreed.gain_HW.mean(dtype=np.float64)))


def _check(frame_HWC: np.ndarray, size: tuple[int, int]) -> None:
    height, width = frame_HWC.shape[:2]
    if min(height, width) < SMALLEST_SIDE:
        raise VideoError(f"Detail is carried from {SMALLEST_SIDE} pixels a side on; the clip is {width}x{height}.")
    if size[0] < width or size[1] < height:
        raise VideoError(f"The clip is {width}x{height}, larger than the {size[0]}x{size[1]} asked for. Ask for more.")


class _Follower:
    """Follows one clip frame by frame.

    Args:
        picture_HWC: RGB uint8, at or above `size`.
        clip_size: width and height of its frames.
        size: width and height of the finished clip.
        beside: another thread, which takes a part of the work.
    """

    def __init__(
        self,
        picture_HWC: np.ndarray,
        clip_size: tuple[int, int],
        size: tuple[int, int],
        settings: DetailSettings,
        beside: Executor,
    ) -> None:
        self._beside = beside
        self._clip_size, self._size, self._settings = clip_size, size, settings
        self._scales = PictureAtScales(picture_HWC, size)
        self._registration = Registration(sized(picture_HWC, clip_size), beside)
        self._soft_at_first: float | None = None
        self._softness = 0.0
        self._seen_HW: np.ndarray | None = None

    def see(self, frame_HWC: np.ndarray) -> _Followed:
        """The next frame.

        Raises:
            VideoError: it is of another size than the ones before.
        """
        self._check(frame_HWC)
        with one_opencv_thread():
            registered, seen_HWC, small_HWC = self._registered(frame_HWC)
            agreed = agreement(frame_HWC, small_HWC, registered, self._softness, self._settings.strength, self._seen_HW)
            self._seen_HW = agreed.seen_HW
            if not agreed.gain_HW.any():
                self._registration.forget()
                self._seen_HW = None
        return _Followed(agreed, seen_HWC, small_HWC)

    def _registered(self, frame_HWC: np.ndarray) -> tuple[Registered, np.ndarray, np.ndarray]:
        """The frame's motion, and the picture brought onto it; softness is brought up to this frame."""
        found = registered, _, small_HWC = self._looked(frame_HWC)
        if self._soft_at_first is None:
            self._softness = self._soft_at_first = softness_of_first(frame_HWC, small_HWC, registered.inside_HW)
            if self._softness > 0:
                self._registration.forget()
                return self._looked(frame_HWC)
        elif self._soft_at_first > 0:
            lost = self._soft_at_first * detail_lost(frame_HWC, small_HWC, registered.inside_HW)
            self._softness = (self._softness + lost) / 2
        return found

    def _looked(self, frame_HWC: np.ndarray) -> tuple[Registered, np.ndarray, np.ndarray]:
        registered = self._registration.see(frame_HWC, soft=self._softness > 0)
        picture_HWC = self._scales.seen_at(scale_of(registered.flow_HW2, registered.inside_HW))
        seen_HWC = brought_onto(registered.flow_HW2, picture_HWC, self._size, self._beside)
        return registered, seen_HWC, sized(seen_HWC, self._clip_size)

    def _check(self, frame_HWC: np.ndarray) -> None:
        (width, height), (tall, wide) = self._clip_size, frame_HWC.shape[:2]
        if (height, width) != (tall, wide):
            raise VideoError(f"A frame is {wide}x{tall} in a clip of {width}x{height}. Give frames of one size.")

"""The same numbers wherever in memory they lie."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from reelops.errors import VideoError
from reelops.optical_flow.threads import ahead, one_opencv_thread, worker


def placed(values: np.ndarray, offset: int) -> np.ndarray:
    """A copy that begins so many bytes after a multiple of 64."""
    memory = np.empty(values.nbytes + 128, np.uint8)
    start = -memory.ctypes.data % 64 + offset
    copy = memory[start : start + values.nbytes].view(values.dtype).reshape(values.shape)
    copy[...] = values
    return copy


def test_magnitudes_do_not_depend_on_where_a_picture_lies() -> None:
    x_HW, y_HW = np.random.default_rng(0).normal(0, 3, (2, 160, 240)).astype(np.float32)
    with one_opencv_thread():
        found = [cv2.magnitude(placed(x_HW, offset), placed(y_HW, offset)) for offset in range(0, 64, 4)]
    assert all(np.array_equal(one, found[0]) for one in found)


def test_opencv_is_left_as_it_was() -> None:
    before = cv2.getNumThreads(), cv2.ipp.useIPP()
    with one_opencv_thread():
        assert (cv2.getNumThreads(), cv2.ipp.useIPP()) == (1, False)
    assert (cv2.getNumThreads(), cv2.ipp.useIPP()) == before


def test_a_worker_leaves_ipp_alone_though_opencv_asks_each_thread_anew() -> None:
    with one_opencv_thread(), worker("beside") as beside:
        assert beside.submit(cv2.ipp.useIPP).result() is False


def test_opencv_stays_on_one_thread_while_anyone_needs_it_so() -> None:
    before = cv2.getNumThreads()
    cv2.setNumThreads(3)
    try:
        first, second = one_opencv_thread(), one_opencv_thread()
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        assert cv2.getNumThreads() == 1
        second.__exit__(None, None, None)
        assert cv2.getNumThreads() == 3
    finally:
        cv2.setNumThreads(before)


def test_frames_come_in_order_and_one_ahead() -> None:
    made: list[int] = []

    def frames() -> Iterator[np.ndarray]:
        for number in range(5):
            made.append(number)
            yield np.full(1, number)

    seen = []
    for frame in ahead(frames()):
        seen.append(int(frame[0]))
        assert len(made) <= len(seen) + 1
    assert seen == made == [0, 1, 2, 3, 4]


def test_what_goes_wrong_with_a_frame_is_told_when_it_is_its_turn() -> None:
    def frames() -> Iterator[np.ndarray]:
        yield np.zeros(1)
        raise VideoError("the second frame is damaged")

    coming = ahead(frames())
    next(coming)
    with pytest.raises(VideoError, match="second frame"):
        next(coming)

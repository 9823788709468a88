"""The same numbers wherever in memory they lie."""

from __future__ import annotations

import cv2
import numpy as np

from reelops.metrics.threads import one_opencv_thread


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

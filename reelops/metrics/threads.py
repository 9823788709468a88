"""OpenCV on one thread: results that depend on no machine, and no threads to wake for pictures this small."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import cv2


@contextmanager
def one_opencv_thread() -> Iterator[None]:
    """Within, OpenCV uses the calling thread only; afterwards as many as before."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)

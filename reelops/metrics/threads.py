"""OpenCV on one thread and its own code paths: results that depend on no machine, and no threads to wake."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import cv2


@contextmanager
def one_opencv_thread() -> Iterator[None]:
    """Within, OpenCV uses the calling thread only, and leaves Intel's IPP alone; afterwards all is as before.

    IPP's results depend on where in memory a picture lies: `cv2.magnitude` of the same values differs in the last bit
    of a pixel or two, so a score would depend on what its process had done before. It is no faster here either.
    """
    threads, ipp = cv2.getNumThreads(), cv2.ipp.useIPP()
    cv2.setNumThreads(1)
    cv2.ipp.setUseIPP(False)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)
        cv2.ipp.setUseIPP(ipp)

"""OpenCV on one thread and its own code paths: results that depend on no machine; and threads of ours beside it."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import cv2

T = TypeVar("T")


class _OneThread:
    """OpenCV's number of threads is one for the process: the first who wants one thread sets it, the last one out sets
    it back. So clips may be scored on several threads at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._within = 0
        self._before = 0

    def enter(self) -> None:
        with self._lock:
            if not self._within:
                self._before = cv2.getNumThreads()
                cv2.setNumThreads(1)
            self._within += 1

    def leave(self) -> None:
        with self._lock:
            self._within -= 1
            if not self._within:
                cv2.setNumThreads(self._before)


_one_thread = _OneThread()


@contextmanager
def one_opencv_thread() -> Iterator[None]:
    """Within, OpenCV uses the calling thread only, and leaves Intel's IPP alone there; afterwards all is as before.

    OpenCV's DIS cuts the picture into one stripe a thread and searches within it. IPP has arithmetic of its own
    (resizing, DIS), which besides depends on where in memory a picture lies: `cv2.magnitude` of the same values differs
    in the last bit of a pixel or two. It is no faster here either.
    """
    ipp = cv2.ipp.useIPP()
    _one_thread.enter()
    cv2.ipp.setUseIPP(False)
    try:
        yield
    finally:
        cv2.ipp.setUseIPP(ipp)
        _one_thread.leave()


def worker(name: str) -> ThreadPoolExecutor:
    """One thread, on which OpenCV leaves Intel's IPP alone as within `one_opencv_thread`: it asks each thread again."""
    return ThreadPoolExecutor(1, name, initializer=cv2.ipp.setUseIPP, initargs=(False,))


def ahead(frames: Iterable[T]) -> Generator[T, None, None]:
    """The same frames; while one is looked at, the next one is made on a thread of its own."""
    source = iter(frames)
    with worker("next-frame") as beside:
        coming = beside.submit(next, source, None)
        while (frame := coming.result()) is not None:
            coming = beside.submit(next, source, None)
            yield frame

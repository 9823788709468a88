"""A thread beside the main one, for what may be found while everything else goes on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import cv2


def worker(name: str) -> ThreadPoolExecutor:
    """One thread, on which OpenCV leaves Intel's IPP alone as within `one_opencv_thread`: it asks each thread anew."""
    return ThreadPoolExecutor(1, name, initializer=cv2.ipp.setUseIPP, initargs=(False,))

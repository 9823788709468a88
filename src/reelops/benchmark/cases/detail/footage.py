"""Real clips cut to the product's format, and what they look like when they are made small and enlarged again."""

from __future__ import annotations

from fractions import Fraction
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from reelops.video.decode import read_frames

FPS, NUM_FRAMES = Fraction(8), 49
LARGE, SMALL = (720, 480), (240, 160)


def true_frames(path: Path) -> np.ndarray:
    """The clip's first 49 frames at 8 a second, (T, H, W, 3) uint8, the middle of them at 720x480, or 480x720."""
    return np.stack([_framed(shown.frame_HWC) for shown in islice(read_frames(path, fps=FPS), NUM_FRAMES)])


def reduced(frame_HWC: np.ndarray) -> np.ndarray:
    """At 240x160, or 160x240, by area."""
    small: np.ndarray = cv2.resize(frame_HWC, _turned(SMALL, frame_HWC), interpolation=cv2.INTER_AREA)
    return small


def enlarged(frame_HWC: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """By bicubic interpolation."""
    large: np.ndarray = cv2.resize(frame_HWC, size, interpolation=cv2.INTER_CUBIC)
    return large


def _framed(frame_HWC: np.ndarray) -> np.ndarray:
    height, width = frame_HWC.shape[:2]
    size = _turned(LARGE, frame_HWC)
    scale = max(size[0] / width, size[1] / height)
    wide, tall = round(size[0] / scale), round(size[1] / scale)
    left, top = (width - wide) // 2, (height - tall) // 2
    middle_HWC = frame_HWC[top : top + tall, left : left + wide]
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    framed: np.ndarray = cv2.resize(middle_HWC, size, interpolation=interpolation)
    return framed


def _turned(size: tuple[int, int], frame_HWC: np.ndarray) -> tuple[int, int]:
    """The size, upright for upright frames."""
    return (size[1], size[0]) if frame_HWC.shape[0] > frame_HWC.shape[1] else size

"""What flows are compared on: clips and photographs as luma, and the mean motion that a flow sees in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from itertools import islice
from pathlib import Path

import numpy as np

from reelops.optical_flow.engines import mean_magnitude
from reelops.optical_flow.working_size import luma
from reelops.video.decode import read_frames
from reelops.video.picture import read_pixels

Flow = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""From two frames (H, W), uint8 luma, to (H, W, 2) in pixels."""

FPS, NUM_FRAMES = Fraction(8), 49


def clip_frames(path: Path) -> list[np.ndarray]:
    """Luma (H, W) of a clip's first 49 frames at 8 per second."""
    return [luma(shown.frame_HWC) for shown in islice(read_frames(path, fps=FPS), NUM_FRAMES)]


def photograph(path: Path) -> np.ndarray:
    """Luma of a picture file, landscape: the upper part of a portrait."""
    gray = luma(read_pixels(path))
    return np.ascontiguousarray(gray[: gray.shape[1] * 2 // 3]) if gray.shape[0] > gray.shape[1] else gray


def magnitudes(flows: Iterable[np.ndarray]) -> list[float]:
    """`mean_magnitude` of each."""
    return [mean_magnitude(flow) for flow in flows]

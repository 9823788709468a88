"""The one contract of all optical flow engines, and what none of them takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

import numpy as np

from reelops.errors import VideoError


class FlowEngine(Protocol):
    """Finds where every pixel goes.

    `flow` takes two luma pictures (H, W) uint8 of one size and returns (H, W, 2) float32: x and y displacement from
    the previous to the next, in pixels of the given pictures. `flows` takes the frames of a clip, which may come one by
    one, and gives the flow of each neighbouring pair in turn: what `flow` gives for it.

    Raises:
        VideoError: the pictures differ in size, or are too small for the engine.
    """

    name: str

    def flow(self, previous_HW: np.ndarray, next_HW: np.ndarray) -> np.ndarray: ...

    def flows(self, frames_HW: Iterable[np.ndarray]) -> Iterator[np.ndarray]: ...


SMALLEST_SIDE = 16
"""Pictures with a shorter side have no flow to speak of."""


def check_pair(previous_HW: np.ndarray, next_HW: np.ndarray) -> None:
    """Refuses what has no flow.

    Raises:
        VideoError: the pictures differ in size, or are too small.
    """
    if previous_HW.shape != next_HW.shape:
        sizes = " and ".join(f"{picture.shape[1]}x{picture.shape[0]}" for picture in (previous_HW, next_HW))
        raise VideoError(f"Optical flow needs two pictures of one size; these are {sizes}. Scale one to the other.")
    height, width = previous_HW.shape
    if min(height, width) < SMALLEST_SIDE:
        raise VideoError(
            f"Optical flow needs pictures of at least {SMALLEST_SIDE}x{SMALLEST_SIDE} pixels; these are "
            f"{width}x{height}. Give larger ones."
        )

"""A frame as the drawers of naturalness see it: colour, its moments by place, and a grid of cells."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Protocol

import cv2
import numpy as np

from reelops.metrics.place import Place
from reelops.metrics.view import Step, View
from reelops.optical_flow.working_size import at_rows

# A side of a cell, at working size: a thirtieth of the picture's height is 5 pixels, a tenth 16.
CELL = 16

# Statistics of single frames are taken from every so many-th, at no more rows than this.
EVERY = 6
MOST_ROWS = 480

LUMA, RED, BLUE, CONTRAST, DETAIL, CHROMA = range(6)


Numbers = dict[str, float]

Heat = tuple[int | None, np.ndarray | None]
"""A frame, and how much its cells count (None: all of it is meant): a place that is worked out once it is asked for."""


class Drawer(Protocol):
    """Follows frames one by one, and sums them up in numbers."""

    def see(self, look: Look, step: Step | None, /) -> None: ...

    def numbers(self) -> Numbers: ...

    def place(self, name: str, /) -> Place | None:
        """Where the number of that name was at its worst; None where it speaks of the whole clip."""


class Look:
    """One frame, and what several drawers need of it."""

    def __init__(self, view: View) -> None:
        self.view = view

    @cached_property
    def ycc_HWC(self) -> np.ndarray:
        """Y, Cr and Cb at working size, float32."""
        ycc: np.ndarray = cv2.cvtColor(self.view.colour_HWC, cv2.COLOR_RGB2YCrCb)
        return ycc.astype(np.float32)

    @cached_property
    def gray_HW(self) -> np.ndarray:
        """Luma at working size, float32."""
        gray: np.ndarray = self.view.gray_HW.astype(np.float32)
        return gray

    @cached_property
    def edges_HW(self) -> np.ndarray:
        """The absolute Laplacian of luma."""
        laplacian: np.ndarray = cv2.Laplacian(self.gray_HW, cv2.CV_32F)
        absolute: np.ndarray = np.abs(laplacian)
        return absolute

    @cached_property
    def detail_HW(self) -> np.ndarray:
        """The same, averaged over a cell around each pixel."""
        blurred: np.ndarray = cv2.blur(self.edges_HW, (CELL, CELL))
        return blurred

    @cached_property
    def chroma_HW(self) -> np.ndarray:
        """How much colour there is around each pixel."""
        strength = np.abs(self.ycc_HWC[..., 1] - 128) + np.abs(self.ycc_HWC[..., 2] - 128)
        blurred: np.ndarray = cv2.blur(strength, (CELL, CELL))
        return blurred

    @cached_property
    def moments(self) -> tuple[np.ndarray, ...]:
        """Maps (H, W): means of Y, Cr and Cb around each pixel, logarithms of contrast and of detail, and chroma."""
        mean_HWC = cv2.blur(self.ycc_HWC, (CELL, CELL))
        variance = cv2.blur(self.gray_HW * self.gray_HW, (CELL, CELL)) - mean_HWC[..., 0] ** 2
        contrast = log2(np.sqrt(np.maximum(variance, 0)), 0.5)
        return mean_HWC[..., 0], mean_HWC[..., 1], mean_HWC[..., 2], contrast, log2(self.detail_HW, 0.3), self.chroma_HW

    @cached_property
    def luma_HW(self) -> np.ndarray:
        """Luma uint8 at the clip's own size, or at 480 rows where that is less."""
        luma_HW = self.view.luma_HW
        return luma_HW if len(luma_HW) <= MOST_ROWS else at_rows(luma_HW, MOST_ROWS)

    @property
    def grid(self) -> tuple[int, int]:
        """Columns and rows of cells."""
        height, width = self.view.gray_HW.shape
        return max(3, round(width / CELL)), max(3, round(height / CELL))


def log2(values: np.ndarray | float, least: float = 1e-3) -> np.ndarray:
    """Logarithm of what is from 0, which at 0 is that of `least`."""
    return np.log2(np.maximum(values, 0) + least)


def cell_means(maps: Sequence[np.ndarray], grid: tuple[int, int]) -> np.ndarray:
    """The means of maps (H, W) over cells: (rows, columns, maps)."""
    return np.stack([cv2.resize(one, grid, interpolation=cv2.INTER_AREA) for one in maps], axis=2)


def looked_up(maps: Sequence[np.ndarray], places_hw2: np.ndarray) -> np.ndarray:
    """Maps (H, W) at places (h, w, 2), x and y, between pixels and at most at the edge: (h, w, maps)."""
    height, width = maps[0].shape
    x, y = np.clip(places_hw2[..., 0], 0, width - 1), np.clip(places_hw2[..., 1], 0, height - 1)
    left, top = np.minimum(x.astype(int), width - 2), np.minimum(y.astype(int), height - 2)
    across, down = x - left, y - top
    values = []
    for one in maps:
        above = one[top, left] * (1 - across) + one[top, left + 1] * across
        below = one[top + 1, left] * (1 - across) + one[top + 1, left + 1] * across
        values.append(above * (1 - down) + below * down)
    return np.stack(values, axis=2)

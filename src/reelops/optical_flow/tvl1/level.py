"""One level of a pair's pyramids: the warps, and what the flow does between them."""

from __future__ import annotations

import cv2
import numpy as np

from reelops.optical_flow.tvl1.affine import dominant_motion
from reelops.optical_flow.tvl1.data import data_as_opencv, linearise, with_gradient
from reelops.optical_flow.tvl1.dual import settle, stride_of
from reelops.optical_flow.tvl1.median import median
from reelops.optical_flow.tvl1.parameters import TvL1Parameters


class Level:
    """Improves a flow.

    Args:
        previous_HW, next_HW: the pictures at this level, float32.
        parameters: how it is solved.

    Attributes:
        flow: (2, rows, columns) float32, x and y; zero to start with.
    """

    def __init__(self, previous_HW: np.ndarray, next_HW: np.ndarray, parameters: TvL1Parameters) -> None:
        self._previous_HW, self._next_HW, self._parameters = previous_HW, next_HW, parameters
        self._height, self._width = previous_HW.shape
        stride = stride_of(self._width)
        self._flow = np.zeros((2, self._height, stride), np.float32)
        self.flow = self._flow[:, :, : self._width]
        self._data = np.zeros((4, self._height, stride), np.float32)
        self._duals = np.zeros((4, self._height + 1, stride + 1), np.float32)
        self._kept = np.empty_like(self._flow), np.empty_like(self._duals)

    def refine(self) -> None:
        """All warps, until one of them settles."""
        base = np.zeros_like(self._flow)
        if self._parameters.around_dominant_motion:
            dominant_motion(self._flow, self._width, base)
        self._flow -= base
        source = None if self._parameters.as_opencv else with_gradient(self._next_HW)
        for _ in range(self._parameters.warps):
            self._flow[:, :, self._width] = self._flow[:, :, self._width - 1]
            if source is None:
                self._look_up_as_opencv()
            else:
                linearise(self._previous_HW, source, base, self._flow, self._data)
            if self._settled() and source is not None:
                break
        self._flow += base

    def _settled(self) -> bool:
        """Whether the flow changes no more after the iterations of one warp, a median before every so many."""
        given = self._parameters
        enough = given.tolerance * given.tolerance * self._height * self._width
        change = np.inf
        for done in range(0, given.iterations, given.between_medians):
            if given.median > 1:
                for component in self._flow:
                    median(component, self._width, given.median)
            change = settle(
                min(given.between_medians, given.iterations - done),
                given.together,
                enough,
                change,
                self._width,
                self._data,
                self._flow,
                self._duals,
                *self._kept,
                given.limit,
                given.theta,
                given.rate,
                given.as_opencv,
            )
            if change <= enough:
                return True
        return False

    def _look_up_as_opencv(self) -> None:
        """The data term by OpenCV itself: at 1/32 pixel, by Keys' cubic with -0.75, and black outside."""
        sources = self._next_HW, *_central_differences(self._next_HW)
        rows, columns = np.mgrid[: self._height, : self._width].astype(np.float32)
        to = columns + self.flow[0], rows + self.flow[1]
        value, ix, iy = (cv2.remap(source, *to, cv2.INTER_CUBIC) for source in sources)
        data_as_opencv(value, ix, iy, self._previous_HW, self._flow, self._data)


def _central_differences(picture_HW: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """In x and in y, the edge repeated outwards."""
    around = np.pad(picture_HW, 1, mode="edge")
    half = np.float32(0.5)
    return half * (around[1:-1, 2:] - around[1:-1, :-2]), half * (around[2:, 1:-1] - around[:-2, 1:-1])

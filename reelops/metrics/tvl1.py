"""Dual TV-L1 optical flow of our own, made for many pairs of frames on ordinary processors.

The energy is that of Zach, Pock and Bischof ("A duality based approach for realtime TV-L1 optical flow", DAGM 2007),
solved as in Sanchez, Meinhardt-Llopis and Facciolo ("TV-L1 optical flow estimation", IPOL 2013): from coarse to fine,
and at each level a few warps, each of them some iterations of thresholding and dual ascent. With OpenCV's parameters
it gives OpenCV's flow, to the last bit where OpenCV does without fused multiply-adds. The default differs in five ways:

- The pyramid goes down to a few rows, so that no motion is too large for it.
- Pictures are smoothed a little first, as in IPOL 2013, and looked up by Catmull-Rom: at subpixel motion that takes
  away two thirds of the error.
- There is no data term where the flow leaves the picture.
- Total variation counts from the dominant motion, an affine one that is fitted to the flow at each level. Total
  variation alone likes steps, and turns zooms and rotations into stairs.
- Iterations are few, and a level ends when it moves no more.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import cv2
import numpy as np

from reelops.metrics.optical_flow import check_pair

if TYPE_CHECKING:
    from reelops.metrics.tvl1_numba import Schedule


@dataclass(frozen=True)
class TvL1Parameters:
    """How Dual TV-L1 is solved; pictures are floats from 0 to 255.

    Attributes:
        data_weight: lambda, what the brightness difference counts against the flow's variation.
        coupling: theta, how far the two flows that the method alternates between may lie apart.
        time_step: tau of the dual ascent; it converges up to 0.25.
        scale_step: the size of a level as a share of the one before.
        levels: at most so many.
        smallest_side: levels with a shorter side are left out, except for the first.
        warps: how often a level takes the data term anew.
        iterations: at most so many for each warp.
        together: so many in one sweep through memory; it changes the time, not the result.
        between_medians: iterations between two median filters of the flow, the first before all.
        median: side in pixels of that filter: 3, 5, or 1 for none.
        tolerance: root mean square change in pixels at which a warp ends, and with it, but for `as_opencv`, the level.
        smoothing: standard deviation in pixels of the Gaussian that goes over the pictures first; 0 for none.
        around_dominant_motion: total variation counts from the affine motion that most of the flow follows.
        as_opencv: pyramids, positions between pixels, what lies outside and the order of operations are OpenCV's.
    """

    data_weight: float = 0.15
    coupling: float = 0.3
    time_step: float = 0.25
    scale_step: float = 0.7
    levels: int = 32
    smallest_side: int = 8
    warps: int = 3
    iterations: int = 10
    together: int = 10
    between_medians: int = 10
    median: int = 3
    tolerance: float = 0.003
    smoothing: float = 0.8
    around_dominant_motion: bool = True
    as_opencv: bool = False


def opencv_parameters() -> TvL1Parameters:
    """Those of OpenCV's `DualTVL1OpticalFlow_create()`: 5 levels, 5 warps, 10 x 30 iterations, a 5 x 5 median."""
    return TvL1Parameters(
        scale_step=0.8,
        levels=5,
        smallest_side=16,
        warps=5,
        iterations=300,
        between_medians=30,
        median=5,
        tolerance=0.01,
        smoothing=0.0,
        around_dominant_motion=False,
        as_opencv=True,
    )


Pyramid = list[np.ndarray]
"""Float32 pictures (rows, columns), the largest first."""


class TvL1:
    """Dual TV-L1 on the processor. One engine may serve several threads at once; each pair takes one core.

    A pair's flow depends on its two pictures alone. Starting from the pair before would make it depend on how a clip is
    cut into batches.

    Args:
        parameters: how it is solved.
        workers: pairs that `flows` works on at once; None for one a core.
    """

    name = "tvl1"

    def __init__(self, parameters: TvL1Parameters | None = None, workers: int | None = None) -> None:
        self.parameters = parameters or TvL1Parameters()
        self._workers = workers or os.cpu_count() or 1
        self._schedule = schedule_of(self.parameters)

    def flow(self, previous_HW: np.ndarray, next_HW: np.ndarray) -> np.ndarray:
        """See `FlowEngine`."""
        check_pair(previous_HW, next_HW)
        return self._between(pyramid(previous_HW, self.parameters), pyramid(next_HW, self.parameters))

    def flows(self, frames_HW: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """See `FlowEngine`. Several pairs are worked on at once, a few ahead of the one that is asked for."""
        waiting: deque[Future[np.ndarray]] = deque()
        with ThreadPoolExecutor(self._workers) as pool:
            for previous, following in pairwise(self._pyramids(frames_HW)):
                waiting.append(pool.submit(self._between, previous, following))
                if len(waiting) > self._workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def _pyramids(self, frames_HW: Iterable[np.ndarray]) -> Iterator[Pyramid]:
        previous = None
        for frame_HW in frames_HW:
            check_pair(frame_HW if previous is None else previous, frame_HW)
            yield pyramid(frame_HW, self.parameters)
            previous = frame_HW

    def _between(self, previous: Pyramid, following: Pyramid) -> np.ndarray:
        from reelops.metrics.tvl1_numba import stride_of

        refine = self._refine_as_opencv if self.parameters.as_opencv else self._refine
        flow = np.zeros((2, 1, 1), np.float32)
        for level in reversed(range(len(previous))):
            height, width = previous[level].shape
            at_level = np.zeros((2, height, stride_of(width)), np.float32)
            if level + 1 < len(previous):
                at_level[:, :, :width] = enlarged(flow, (height, width), self.parameters)
            refine(previous[level], following[level], at_level)
            flow = at_level[:, :, :width]
        return np.ascontiguousarray(np.moveaxis(flow, 0, 2))

    def _refine(self, previous_HW: np.ndarray, next_HW: np.ndarray, flow: np.ndarray) -> None:
        """All warps of a level; `flow` is (2, H, stride)."""
        from reelops.metrics.tvl1_numba import refine, with_gradient

        refine(previous_HW, with_gradient(next_HW), flow, self._schedule)

    def _refine_as_opencv(self, previous_HW: np.ndarray, next_HW: np.ndarray, flow: np.ndarray) -> None:
        """The same, looked up by OpenCV itself: at 1/32 pixel, by Keys' cubic with -0.75, and black outside."""
        from reelops.metrics.tvl1_numba import data_as_opencv, settle

        height, width = previous_HW.shape
        stride = flow.shape[2]
        sources = next_HW, *_central_differences(next_HW)
        rows, columns = np.mgrid[:height, :width].astype(np.float32)
        duals = np.zeros((4, height + 1, stride + 1), np.float32)
        data = np.zeros((4, height, stride), np.float32)
        u1, u2 = flow[:, :, :width]
        for _ in range(self.parameters.warps):
            flow[:, :, width] = flow[:, :, width - 1]
            to = columns + u1, rows + u2
            value, ix, iy = (cv2.remap(source, *to, cv2.INTER_CUBIC) for source in sources)
            data_as_opencv(value, ix, iy, previous_HW, flow, data)
            settle(width, data, flow, duals, self._schedule)


def _central_differences(picture_HW: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """In x and in y, the edge repeated outwards."""
    around = np.pad(picture_HW, 1, mode="edge")
    half = np.float32(0.5)
    return half * (around[1:-1, 2:] - around[1:-1, :-2]), half * (around[2:, 1:-1] - around[:-2, 1:-1])


def pyramid(picture_HW: np.ndarray, parameters: TvL1Parameters) -> Pyramid:
    """The picture at all levels."""
    picture = np.ascontiguousarray(picture_HW, dtype=np.float32)
    if parameters.smoothing:
        picture = cv2.GaussianBlur(picture, (0, 0), parameters.smoothing, borderType=cv2.BORDER_REPLICATE)
    levels = [picture]
    while len(levels) < parameters.levels:
        smaller = _smaller(levels, parameters)
        if min(smaller.shape) < parameters.smallest_side:
            break
        levels.append(smaller)
    return levels


def _smaller(levels: Pyramid, parameters: TvL1Parameters) -> np.ndarray:
    step = parameters.scale_step
    if parameters.as_opencv:
        smaller = cv2.resize(levels[-1], None, fx=step, fy=step, interpolation=cv2.INTER_LINEAR)
    else:
        height, width = (max(1, round(side * step ** len(levels))) for side in levels[0].shape)
        smaller = cv2.resize(levels[-1], (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(smaller)


def enlarged(flow: np.ndarray, size: tuple[int, int], parameters: TvL1Parameters) -> np.ndarray:
    """The flow (2, rows, columns) of a level at the (height, width) of the next larger one."""
    height, width = size
    ratios = (width / flow.shape[2], height / flow.shape[1])
    if parameters.as_opencv:
        ratios = (1 / parameters.scale_step, 1 / parameters.scale_step)
    larger = [cv2.resize(np.ascontiguousarray(part), (width, height), interpolation=cv2.INTER_LINEAR) for part in flow]
    return np.stack([part * np.float32(ratio) for part, ratio in zip(larger, ratios, strict=True)])


def schedule_of(parameters: TvL1Parameters) -> Schedule:
    """What the compiled loops are told."""
    from reelops.metrics.tvl1_numba import Schedule

    return Schedule(
        warps=parameters.warps,
        iterations=parameters.iterations,
        together=parameters.together,
        between_medians=parameters.between_medians,
        median=parameters.median,
        tolerance=parameters.tolerance,
        limit=np.float32(parameters.data_weight * parameters.coupling),
        theta=np.float32(parameters.coupling),
        rate=np.float32(parameters.time_step / parameters.coupling),
        around_dominant_motion=parameters.around_dominant_motion,
        as_opencv=parameters.as_opencv,
    )

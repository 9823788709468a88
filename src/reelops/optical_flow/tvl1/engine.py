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

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from itertools import pairwise

import cv2
import numpy as np

from reelops.optical_flow.contract import check_pair
from reelops.optical_flow.threads import one_opencv_thread
from reelops.optical_flow.tvl1.level import Level
from reelops.optical_flow.tvl1.parameters import TvL1Parameters
from reelops.system.hardware import cores

Pyramid = list[np.ndarray]
"""Float32 pictures (rows, columns), the largest first."""


class TvL1:
    """Dual TV-L1 on the processor. One engine may serve several threads at once; each pair takes one core.

    A pair's flow depends on its two pictures alone, so that pairs may be worked on in any order and in any batch.

    Args:
        parameters: how it is solved.
        workers: pairs that `flows` works on at once; None for one per core.
    """

    name = "tvl1"

    def __init__(self, parameters: TvL1Parameters | None = None, workers: int | None = None) -> None:
        self.parameters = parameters or TvL1Parameters()
        self._workers = workers or cores()

    def flow(self, previous_HW: np.ndarray, next_HW: np.ndarray) -> np.ndarray:
        """See `FlowEngine`."""
        check_pair(previous_HW, next_HW)
        return self._between(self._pyramid(previous_HW), self._pyramid(next_HW))

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
            yield self._pyramid(frame_HW)
            previous = frame_HW

    def _pyramid(self, picture_HW: np.ndarray) -> Pyramid:
        with self._deterministic_opencv():
            return pyramid(picture_HW, self.parameters)

    def _between(self, previous: Pyramid, following: Pyramid) -> np.ndarray:
        """The flow (H, W, 2) from one picture to the next."""
        flow = np.zeros((2, 1, 1), np.float32)
        with self._deterministic_opencv():
            for previous_HW, next_HW in zip(reversed(previous), reversed(following), strict=True):
                level = Level(previous_HW, next_HW, self.parameters)
                if previous_HW is not previous[-1]:
                    enlarge(flow, level.flow, self.parameters)
                level.refine()
                flow = level.flow
            both: np.ndarray = cv2.merge(list(flow))
        return both

    def _deterministic_opencv(self) -> AbstractContextManager[None]:
        """OpenCV's helpers the same on every thread; with OpenCV's parameters, as OpenCV would use them right here."""
        return nullcontext() if self.parameters.as_opencv else one_opencv_thread()


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


def enlarge(flow: np.ndarray, larger: np.ndarray, parameters: TvL1Parameters) -> None:
    """Writes the flow (2, rows, columns) of a level into that of the next larger one."""
    height, width = larger.shape[1:]
    ratios = (width / flow.shape[2], height / flow.shape[1])
    if parameters.as_opencv:
        ratios = (1 / parameters.scale_step, 1 / parameters.scale_step)
    for part, ratio, to in zip(flow, ratios, larger, strict=True):
        np.multiply(cv2.resize(part, (width, height), interpolation=cv2.INTER_LINEAR), np.float32(ratio), out=to)

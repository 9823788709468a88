"""Dense optical flow: engines behind one contract.

An engine is chosen by name. `tvl1-opencv` is the reference that temporal consistency asks for; `dis` is hundreds of
times faster and serves everything else. Both run on one thread: OpenCV's DIS cuts the picture into one stripe a
thread and searches within it, so its result would otherwise depend on the machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

import cv2
import numpy as np

from reelops.errors import SettingsError
from reelops.metrics.working_size import STATED_ROWS


class FlowEngine(Protocol):
    """Finds where every pixel goes.

    `flow` takes two luma pictures (H, W) uint8 of one size and returns (H, W, 2) float32: x and y displacement from
    the previous to the next, in pixels of the given pictures.
    """

    name: str

    def flow(self, previous_HW: np.ndarray, next_HW: np.ndarray) -> np.ndarray: ...


@contextmanager
def _one_thread() -> Iterator[None]:
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)


class TvL1OpenCv:
    """Dual TV-L1 (Zach, Pock, Bischof 2007) as in OpenCV's contrib modules.

    OpenCV's defaults but for the iterations a warp: 3 x 10 instead of 10 x 30. On pairs of seven real clips at 96x64
    that is a third of the time (0.10 s a pair) at a median end-point distance of 0.03 px from the defaults' flow.
    """

    name = "tvl1-opencv"

    def __init__(self) -> None:
        # `create` misspells its keyword for the inner iterations; the setter has the right name.
        self._engine = cv2.optflow.DualTVL1OpticalFlow.create()
        self._engine.setOuterIterations(3)
        self._engine.setInnerIterations(10)

    def flow(self, previous_HW: np.ndarray, next_HW: np.ndarray) -> np.ndarray:
        with _one_thread():
            flow: np.ndarray = self._engine.calc(previous_HW, next_HW, None)
        return flow


class Dis:
    """Dense inverse search (Kroeger et al. 2016), OpenCV's medium preset."""

    name = "dis"

    def __init__(self) -> None:
        self._engine = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)

    def flow(self, previous_HW: np.ndarray, next_HW: np.ndarray) -> np.ndarray:
        with _one_thread():
            flow: np.ndarray = self._engine.calc(previous_HW, next_HW, None)
        return flow


ENGINES: dict[str, Callable[[], FlowEngine]] = {TvL1OpenCv.name: TvL1OpenCv, Dis.name: Dis}


def flow_engine(name: str) -> FlowEngine:
    """A new engine by name.

    Raises:
        SettingsError: there is no engine of that name.
    """
    if name not in ENGINES:
        raise SettingsError(f"There is no optical flow engine {name!r}. Choose one of: {', '.join(ENGINES)}.")
    return ENGINES[name]()


def mean_magnitude(flow_HW2: np.ndarray) -> float:
    """Mean length of a flow's vectors in pixels at 480 rows: the same whatever size the flow was measured at."""
    return float(np.linalg.norm(flow_HW2, axis=2).mean() * STATED_ROWS / flow_HW2.shape[0])


def pull_back(next_HW: np.ndarray, flow_HW2: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The next picture seen from where the previous one's pixels were.

    Returns:
        the warped picture (H, W) float32, and where it is known (H, W) bool: the flow stays inside the picture.
    """
    height, width = next_HW.shape
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    x, y = columns + flow_HW2[..., 0], rows + flow_HW2[..., 1]
    warped: np.ndarray = cv2.remap(next_HW.astype(np.float32), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return warped, (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)

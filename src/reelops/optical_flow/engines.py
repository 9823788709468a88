"""Dense optical flow: engines behind one contract.

An engine is chosen by name. `tvl1` is Dual TV-L1 of our own, which temporal consistency asks for; `tvl1-opencv` is
OpenCV's, the reference that ours is compared with, and `dis` the quickest. All run within `one_opencv_thread`, so that
their results do not depend on the machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise

import cv2
import numpy as np

from reelops.errors import SettingsError
from reelops.optical_flow.contract import FlowEngine, check_pair
from reelops.optical_flow.threads import one_opencv_thread
from reelops.optical_flow.working_size import STATED_ROWS


class _OpenCv:
    """An engine of OpenCV's. It keeps buffers between calls, so one engine serves one thread at a time."""

    _engine: cv2.DenseOpticalFlow

    def flow(self, previous_HW: np.ndarray, next_HW: np.ndarray) -> np.ndarray:
        """See `FlowEngine`."""
        check_pair(previous_HW, next_HW)
        with one_opencv_thread():
            flow: np.ndarray = self._engine.calc(previous_HW, next_HW, None)
        return flow

    def flows(self, frames_HW: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """See `FlowEngine`."""
        return (self.flow(*pair) for pair in pairwise(frames_HW))


class TvL1OpenCv(_OpenCv):
    """Dual TV-L1 (Zach, Pock, Bischof 2007) as in OpenCV's contrib modules.

    OpenCV's defaults but for the iterations per warp: 3 x 10 instead of 10 x 30. On pairs of seven real clips at 96x64
    that is a third of the time (0.10 s per pair) at a median end-point distance of 0.03 px from the defaults' flow.
    """

    name = "tvl1-opencv"

    def __init__(self) -> None:
        # `create` misspells its keyword for the inner iterations; the setter has the right name.
        self._engine = cv2.optflow.DualTVL1OpticalFlow.create()
        self._engine.setOuterIterations(3)
        self._engine.setInnerIterations(10)


class Dis(_OpenCv):
    """Dense inverse search (Kroeger et al. 2016), OpenCV's medium preset."""

    name = "dis"

    def __init__(self) -> None:
        self._engine = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)

    def flow_from(self, previous_HW: np.ndarray, next_HW: np.ndarray, guess_HW2: np.ndarray) -> np.ndarray:
        """The same, searched for around a guess of the flow, which is left as it is."""
        check_pair(previous_HW, next_HW)
        with one_opencv_thread():
            flow: np.ndarray = self._engine.calc(previous_HW, next_HW, guess_HW2.copy())
        return flow


def _tvl1() -> FlowEngine:
    from reelops.optical_flow.tvl1.engine import TvL1

    return TvL1()


ENGINES: dict[str, Callable[[], FlowEngine]] = {
    "tvl1": _tvl1,
    TvL1OpenCv.name: TvL1OpenCv,
    Dis.name: Dis,
}


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

"""What metrics look at: a frame, and its step from the frame before.

What several metrics need, such as the flow, is computed when the first of them asks for it, and once.
"""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from reelops.optical_flow.contract import FlowEngine
from reelops.optical_flow.forward_backward import confirmed
from reelops.optical_flow.warp import pull_back
from reelops.optical_flow.working_size import STATED_ROWS, THUMB_ROWS, WORKING_ROWS, at_rows, luma


class View:
    """One frame, RGB uint8 (H, W, 3), at the sizes that metrics ask for."""

    def __init__(self, frame_HWC: np.ndarray) -> None:
        self.frame_HWC = frame_HWC

    @cached_property
    def luma_HW(self) -> np.ndarray:
        """At the clip's own size, uint8."""
        return luma(self.frame_HWC)

    @cached_property
    def gray_HW(self) -> np.ndarray:
        """Luma at working size, uint8."""
        return at_rows(self.luma_HW, WORKING_ROWS)

    def gray_at(self, rows: int) -> np.ndarray:
        """Luma `rows` high, uint8."""
        return self.gray_HW if rows == WORKING_ROWS else at_rows(self.luma_HW, rows)

    @cached_property
    def colour_HWC(self) -> np.ndarray:
        """RGB at working size, uint8."""
        return at_rows(self.frame_HWC, WORKING_ROWS)

    @cached_property
    def thumb_HW(self) -> np.ndarray:
        """Luma so small that noise and fine texture are averaged away, float32."""
        return at_rows(self.gray_HW.astype(np.float32), THUMB_ROWS)


@dataclass(frozen=True)
class Pulled:
    """The next picture seen from where the previous one's pixels were, luma float32, and where it is known."""

    gray_HW: np.ndarray
    inside_HW: np.ndarray


class Step:
    """From one view to the next, at working size.

    Args:
        before, after: the two frames.
        engine: finds the flow.
        flow_back: where it is being found already, on another thread with another engine.
    """

    def __init__(
        self, before: View, after: View, engine: FlowEngine, flow_back: Future[np.ndarray] | None = None
    ) -> None:
        self.before = before
        self.after = after
        self._engine = engine
        self._flow_back = flow_back

    @cached_property
    def flow_HW2(self) -> np.ndarray:
        return self._engine.flow(self.before.gray_HW, self.after.gray_HW)

    @cached_property
    def flow_back_HW2(self) -> np.ndarray:
        if self._flow_back is not None:
            return self._flow_back.result()
        return self._engine.flow(self.after.gray_HW, self.before.gray_HW)

    @cached_property
    def speed_HW(self) -> np.ndarray:
        """How far each pixel goes, in pixels at 480 rows."""
        pixels: np.ndarray = cv2.magnitude(self.flow_HW2[..., 0], self.flow_HW2[..., 1])
        return pixels * np.float32(STATED_ROWS / len(pixels))

    @cached_property
    def confirmed_HW(self) -> np.ndarray:
        """Where the flow there and the flow back agree, bool."""
        return confirmed(self.flow_HW2, self.flow_back_HW2)

    @cached_property
    def pulled(self) -> Pulled:
        return Pulled(*pull_back(self.after.gray_HW, self.flow_HW2))

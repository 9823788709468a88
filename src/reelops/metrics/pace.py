"""Eight frames a second: what fast clips are thinned to by metrics that know clips of the product's own rate."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from reelops.metrics.view import Step, View
from reelops.optical_flow.engines import Dis

FPS = 8


@dataclass(frozen=True)
class Taken:
    """A frame that counts, and the step to it from the one that counted before; None where it is the first."""

    view: View
    step: Step | None


class Pace:
    """Takes every so many-th frame. Several trackers share one, so that steps over several frames are measured once.

    Args:
        fps: the clip's rate.
    """

    def __init__(self, fps: Fraction) -> None:
        self.every = max(1, round(fps / FPS))
        self._engine = Dis()
        self._num_frames = 0
        self._shown: View | None = None
        self._taken: Taken | None = None
        self._before: View | None = None

    def take(self, view: View, step: Step | None) -> Taken | None:
        """The frame, if it counts. Every tracker asks once for each frame, with the step from the frame before."""
        if view is not self._shown:
            self._shown, self._taken = view, None
            if self._num_frames % self.every == 0:
                self._taken = Taken(view, self._step_to(view, step))
                self._before = view
            self._num_frames += 1
        return self._taken

    def _step_to(self, view: View, step: Step | None) -> Step | None:
        if self._before is None:
            return None
        return step if self.every == 1 else Step(self._before, view, self._engine)

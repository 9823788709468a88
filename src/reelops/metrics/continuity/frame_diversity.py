"""Frame diversity: how much do the frames of one clip differ, however far apart they are?"""

from __future__ import annotations

import numpy as np

from reelops.metrics.metric import Metric
from reelops.metrics.tracker import Measure
from reelops.metrics.view import Step, View
from reelops.optical_flow.working_size import THUMB_ROWS

FRAME_DIVERSITY = Metric(
    name="frame_diversity",
    title="Diversity of frames",
    unit="",
    direction="in between is better",
    section="Continuity",
    description="root mean square distance of thumbnails from their mean over the clip; 0 is frozen",
    blind_to="change finer than a thumbnail's pixel",
    high=0.5,
    track=lambda _: FrameDiversity(),
)


class FrameDiversity:
    """Root mean square distance of the frames from their mean, luma of thumbnails as a share of full scale.

    The square is half the mean squared distance between two frames of the clip, all pairs counted; sums of values and
    squares tell it without keeping any frame.

    0 for a frozen clip, 0.5 where black and white alternate; range [0, 0.5]. More is not better: cuts and flicker raise
    it as motion does. Blind to change finer than a thumbnail's pixel, and so to noise.
    """

    def __init__(self) -> None:
        self._count = 0
        self._mean: np.ndarray | None = None
        self._spread: np.ndarray | None = None

    def see(self, view: View, _: Step | None, /) -> None:
        thumb = view.thumb_HW.astype(np.float64) / 255
        if self._mean is None or self._spread is None:
            self._mean, self._spread = np.zeros_like(thumb), np.zeros_like(thumb)
        # Welford's update: exact where the plain sum of squares would cancel.
        self._count += 1
        off = thumb - self._mean
        self._mean += off / self._count
        self._spread += off * (thumb - self._mean)

    def measures(self) -> dict[str, Measure]:
        assert self._spread is not None
        value = float(np.sqrt(self._spread.mean() / self._count))
        return {"frame_diversity": Measure(value, f"luma thumbnails of {THUMB_ROWS} rows")}

"""Frame order: do frames follow each other, or could they as well be in any other order?"""

from __future__ import annotations

from collections import deque

import numpy as np

from reelops.metrics.metric import Metric, Series
from reelops.metrics.tracker import Measure
from reelops.metrics.view import Step, View
from reelops.optical_flow.working_size import THUMB_ROWS

# Frames so far apart are compared with neighbours: far enough to have drifted, near enough for short clips.
_FAR = (4, 6, 8)

# Below this mean difference of thumbnails, in grey levels, what differs is compression.
_MIN_FAR = 0.1
_MIN_NEAR = 0.5

# A frame returns where it is nearer to the one before last than the larger of the two steps between by this share.
_RETURN = 0.25


FRAME_DISORDER = Metric(
    name="frame_disorder",
    title="Disorder of frames",
    unit="",
    direction="lower is better",
    section="Motion",
    description="mean difference of neighbours over that of frames 4, 6 and 8 apart, on thumbnails: 0.2 to 0.5 in "
    "order, 1 for shuffled frames and for noise",
    blind_to="reverse order; clips in which nothing changes: no number",
    above="Frames are shuffled, or nothing changes but noise or light.",
    own_series=Series("Change of thumbnails", "grey levels", "high"),
    track=lambda _: FrameOrder(),
)
RETURNS = Metric(
    name="returns",
    title="Frames that go back",
    unit="",
    direction="lower is better",
    section="Motion",
    description="share of frames nearer to the one before last than the steps between: swapped frames, flicker",
    blind_to="disorder on a larger scale",
    high=1,
    above="Frames are swapped, or the light jumps.",
    own_series=Series("Goes back", "", "high", first=2),
)


class FrameOrder:
    """Compares thumbnails of frames 1, 2, 4, 6 and 8 apart; keeps eight thumbnails and a few sums.

    `frame_disorder` is the mean luma difference of neighbours over that of frames farther apart. In a clip that goes
    anywhere neighbours are the more alike: 0.2 to 0.5, up to 0.8 where a train rushes by. Shuffled frames are as far
    from their neighbours as from any other: 1, and so is noise over a frozen picture; light that alternates, more than
    1. Range from 0; lower is better. Blind where nothing changes, to which it gives no number, and to frames in
    reverse order.

    `returns` is the share of frames that go back: nearer to the one before last than the steps between them by at least
    a quarter, where thumbnails change at all. [0, 1], lower is better. It tells swapped frames and flicker. Blind to
    disorder on a larger scale.
    """

    def __init__(self) -> None:
        self._thumbs: deque[np.ndarray] = deque(maxlen=max(_FAR) + 1)
        self._near: list[float] = []
        self._far: dict[int, list[float]] = {gap: [] for gap in _FAR}
        self._returns: list[float] = []

    def see(self, view: View, _: Step | None, /) -> None:
        self._thumbs.append(view.thumb_HW)
        if len(self._thumbs) > 1:
            self._near.append(self._apart(1))
        if len(self._thumbs) > 2:
            longest = max(self._near[-2:])
            goes_back = longest > _MIN_NEAR and self._apart(2) < (1 - _RETURN) * longest
            self._returns.append(float(goes_back))
        for gap, differences in self._far.items():
            if len(self._thumbs) > gap:
                differences.append(self._apart(gap))

    def _apart(self, gap: int) -> float:
        """Mean absolute difference of the newest thumbnail and one so many frames before, in grey levels."""
        return float(np.abs(self._thumbs[-1] - self._thumbs[-1 - gap]).mean(dtype=np.float64))

    def measures(self) -> dict[str, Measure]:
        how = f"luma thumbnails of {THUMB_ROWS} rows"
        return {"frame_disorder": self._disorder(how), "returns": self._share_of_returns(how)}

    def _disorder(self, how: str) -> Measure:
        far = [float(np.mean(differences)) for differences in self._far.values() if differences]
        if not far:
            return Measure(None, how, f"it takes more than {min(_FAR)} frames")
        if np.mean(far) < _MIN_FAR:
            return Measure(None, how, "next to nothing changes, so there is no order to tell")
        return Measure(float(np.mean(self._near) / np.mean(far)), how, series=tuple(self._near))

    def _share_of_returns(self, how: str) -> Measure:
        if not self._returns:
            return Measure(None, how, "it takes three frames")
        return Measure(float(np.mean(self._returns)), how, series=tuple(self._returns))

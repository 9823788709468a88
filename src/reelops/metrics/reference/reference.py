"""Comparing a clip with a reference, frame by frame, or its first frame with a picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from reelops.errors import VideoError
from reelops.metrics.metric import Comparison
from reelops.metrics.tracker import Measure, mean
from reelops.metrics.view import Step, View


class AgainstReference:
    """Means over frames of how the clip compares with its reference.

    Args:
        name: of the metric.
        comparison: how two frames are compared.
    """

    def __init__(self, name: str, comparison: Comparison) -> None:
        self._name, self._comparison = name, comparison
        self._series: list[float] = []
        self._too_small: str | None = None

    def compare(self, view: View, reference: View) -> None:
        height, width = view.frame_HWC.shape[:2]
        smallest = self._comparison.smallest_side
        if min(height, width) < smallest:
            self._too_small = f"it takes {smallest} pixels a side at least, and the clip is {width}x{height}"
        else:
            self._series.append(self._comparison.compare(view, reference))

    def measures(self) -> dict[str, Measure]:
        how = f"{self._comparison.looks_at} at the clip's size, against the reference"
        if not self._series:
            return {self._name: Measure(None, how, self._too_small or "no frame was compared")}
        return {self._name: Measure(mean(self._series), how, series=tuple(self._series))}


class Reference:
    """Walks through the reference beside the clip.

    Args:
        frames: RGB uint8 of the clip's size, one for each of its frames; one alone (a picture) is compared with the
            clip's first frame.
    """

    def __init__(self, frames: Iterator[np.ndarray], comparisons: Sequence[AgainstReference], is_picture: bool) -> None:
        self._frames, self._comparisons, self._is_picture = frames, comparisons, is_picture
        self._seen = 0

    def see(self, view: View, _: Step | None, /) -> None:
        if self._is_picture and self._seen:
            return
        frame = next(self._frames, None)
        if frame is None:
            raise VideoError(f"The reference has only {self._seen} frames, and the clip more. Give one as long.")
        if frame.shape != view.frame_HWC.shape:
            raise VideoError(
                f"The reference is {frame.shape[1]}x{frame.shape[0]}, the clip "
                f"{view.frame_HWC.shape[1]}x{view.frame_HWC.shape[0]}. Give one of the clip's size."
            )
        self._seen += 1
        reference = View(frame)
        for comparison in self._comparisons:
            comparison.compare(view, reference)

    def measures(self) -> dict[str, Measure]:
        if next(self._frames, None) is not None:
            raise VideoError(f"The reference has more frames than the clip's {self._seen}. Give one as long.")
        return {name: one for comparison in self._comparisons for name, one in comparison.measures().items()}

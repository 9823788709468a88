"""How a metric follows a clip: it sees each frame once and keeps at most a few numbers of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol, runtime_checkable

import numpy as np

from reelops.metrics.camera_motion import CameraMotion
from reelops.metrics.pace import Pace
from reelops.metrics.place import Place
from reelops.metrics.settings import ScoreSettings
from reelops.metrics.view import Step, View


@dataclass(frozen=True)
class Measure:
    """One metric on one clip.

    Attributes:
        value: finite; None where it could not be measured.
        reason: why not; None where it was.
        how: working size and engine.
        series: one value per frame, or per pair of neighbours, where the metric has such; None where one has none.
        applies: False where it takes something that was not given, such as a picture: nothing is wrong with the clip.
        evidence: what it rests on most, with time and place, for people; "" where the value says it all.
        place: the moment and region that it rests on most; None where it speaks of the clip as a whole.
    """

    value: float | None
    how: str
    reason: str | None = None
    series: tuple[float | None, ...] | None = None
    applies: bool = True
    evidence: str = ""
    place: Place | None = None


class Tracker(Protocol):
    """Follows frames that arrive one by one.

    `see` takes the next frame, and the step to it from the frame before (None: it is the first). `measures` says what
    the frames so far amount to, by the metric's name; at least two were seen.
    """

    def see(self, view: View, step: Step | None, /) -> None: ...

    def measures(self) -> dict[str, Measure]: ...


class CameraFollower(Tracker, Protocol):
    """A tracker that knows what the camera did once all frames were seen."""

    @property
    def motion(self) -> CameraMotion: ...


@dataclass(frozen=True)
class Setup:
    """What trackers may need to begin.

    Attributes:
        settings: how clips are scored.
        fps: the clip's rate.
        camera: follows the camera; asked for its motion once all frames were seen.
        pace: eight frames a second, for all that look at no more.
        picture_HWC: the conditioning picture, RGB uint8 at the clip's size; None where none was given.
    """

    settings: ScoreSettings
    fps: Fraction
    camera: CameraFollower
    pace: Pace
    picture_HWC: np.ndarray | None = None


@runtime_checkable
class Featured(Protocol):
    """A tracker that also knows the clip as a vector, by what the vector rests on."""

    def features(self) -> dict[str, tuple[float, ...]]: ...


Summary = Callable[[Sequence[float]], float]


def mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def mean_of_known(series: Sequence[float | None], how: str, why_not: str) -> Measure:
    """The mean of what a series knows; without a value, and with the reason, where it knows nothing."""
    known = [value for value in series if value is not None]
    return Measure(mean(known), how, series=tuple(series)) if known else Measure(None, how, why_not)


class OfFrames:
    """A metric that sums up one number per frame.

    Args:
        smallest_side: pixels a frame has a side at least, where the metric is defined.
    """

    def __init__(
        self, name: str, of: Callable[[View], float], how: str, summary: Summary = mean, smallest_side: int = 1
    ) -> None:
        self._name, self._of, self._how, self._summary = name, of, how, summary
        self._smallest_side, self._why_not = smallest_side, ""
        self._series: list[float] = []

    def see(self, view: View, _: Step | None, /) -> None:
        height, width = view.luma_HW.shape
        if min(height, width) < self._smallest_side:
            self._why_not = f"it takes {self._smallest_side} pixels a side, and the clip is {width}x{height}"
        else:
            self._series.append(self._of(view))

    def measures(self) -> dict[str, Measure]:
        if self._why_not:
            return {self._name: Measure(None, self._how, self._why_not)}
        return {self._name: Measure(self._summary(self._series), self._how, series=tuple(self._series))}


class OfSteps:
    """A metric that sums up one number per step from frame to frame."""

    def __init__(self, name: str, of: Callable[[Step], float], how: str, summary: Summary = mean) -> None:
        self._name, self._of, self._how, self._summary = name, of, how, summary
        self._series: list[float] = []

    def see(self, _: View, step: Step | None, /) -> None:
        if step is not None:
            self._series.append(self._of(step))

    def measures(self) -> dict[str, Measure]:
        return {self._name: Measure(self._summary(self._series), self._how, series=tuple(self._series))}

"""Frames that show no moment of their own: shown again, or blended of their neighbours, to fill up a higher rate.

The same clip at 8, 16, 24 or 30 frames a second must get the same verdict. Whatever looks at neighbours (motion,
boiling, order, flicker) would otherwise find every second step empty, and take wild motion for rest. A clip counts as
filled up where its own frames arrive evenly, at six a second or more, and the frames between them repeat one or blend
two. A camera that watches an empty room, a scene that comes to rest and frames lost at random are none of this.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from reelops.metrics.motion.motion import SAME_BELOW, change

# A rate up to which clips are taken as they are; the product's own is 8.
LOW_RATE = Fraction(17, 2)
_LEAST_RATE = 6
_MOST_FRAMES_FOR_ONE = 8

# Of the gaps between frames that are new so many are of the usual length, or one frame off; and so many frames repeat.
_EVEN_SHARE = 0.9
_LEAST_REPEATED = 0.17
_LEAST_NEW = 5

# A series of what compares three frames has two values fewer than there are frames.
_MOST_MISSING = 2

# Blends are looked for in so many frames; who blends does it all along.
_LOOKED_AT = 240

# What a blend of two frames leaves unexplained, as a share of their difference, at most; what a frame of its own
# leaves, at least, so that slow and smooth motion is not taken for blends.
_BLEND_LEAVES = 0.17
_OWN_LEAVES = 0.3


@dataclass(frozen=True)
class OwnFrames:
    """The frames of a clip that show moments of their own.

    Attributes:
        numbers: which of the file's, in order.
        fps: how many a second.
        num_frames: of the file.
    """

    numbers: tuple[int, ...]
    fps: Fraction
    num_frames: int

    @property
    def filled_share(self) -> float:
        """Share of frames that only fill up the rate."""
        return 1 - len(self.numbers) / self.num_frames

    def over_all(self, series: Sequence[float | None]) -> tuple[float | None, ...]:
        """A series of own frames, or of their steps, as one of all frames: a frame that repeats has its own's value."""
        missing = len(self.numbers) - len(series)
        if not 0 <= missing <= _MOST_MISSING:
            return tuple(series)
        first = (missing + 1) // 2
        own = np.searchsorted(self.numbers, np.arange(first, first + self.num_frames - missing), side="right") - 1
        return tuple(series[place] for place in np.clip(own - first, 0, len(series) - 1))

    def __str__(self) -> str:
        return (
            f"{self.num_frames - len(self.numbers)} of {self.num_frames} frames repeat or blend others, evenly; "
            f"measured on the {len(self.numbers)} others, {float(self.fps):.3g} a second"
        )


def own_frames(grays_THW: Iterable[np.ndarray], fps: Fraction) -> OwnFrames | None:
    """Which frames show moments of their own; None where all may.

    Args:
        grays_THW: luma of all frames, uint8, of any one size, one by one; small ones will do.
        fps: the clip's rate.
    """
    if fps <= LOW_RATE:
        return None
    changes, kept = list[float](), list[np.ndarray]()
    before: np.ndarray | None = None
    for gray in grays_THW:
        if before is not None:
            changes.append(change(before, gray))
        if len(kept) < _LOOKED_AT:
            kept.append(gray)
        before = gray
    return _without_repeats(np.array(changes), fps) or _without_blends(kept, len(changes) + 1, fps)


def _without_repeats(changes: np.ndarray, fps: Fraction) -> OwnFrames | None:
    new = np.flatnonzero(changes >= SAME_BELOW) + 1
    if len(new) < _LEAST_NEW or len(new) > (1 - _LEAST_REPEATED) * len(changes):
        return None
    gaps = np.diff(new)
    # The rate is that of an undisturbed stretch: where the scene rests, frames that are new come late.
    usual = float(np.mean(gaps[gaps <= np.median(gaps) + 1]))
    even = (gaps >= np.floor(usual)) & (gaps <= np.ceil(usual))
    if even.mean() < _EVEN_SHARE or not _is_a_rate(usual, fps):
        return None
    numbers, longest = [0], int(np.ceil(usual))
    for number, changed in enumerate(changes, start=1):
        if changed >= SAME_BELOW or number - numbers[-1] >= longest:
            numbers.append(number)
    return OwnFrames(tuple(numbers), fps / Fraction(usual).limit_denominator(8), len(changes) + 1)


def _without_blends(grays_THW: Sequence[np.ndarray], num_frames: int, fps: Fraction) -> OwnFrames | None:
    for every in range(2, _MOST_FRAMES_FOR_ONE + 1):
        if not _is_a_rate(every, fps):
            break
        for phase in range(every):
            looked_at = range(phase, len(grays_THW), every)
            if len(looked_at) >= _LEAST_NEW and _are_blends(grays_THW, looked_at):
                return OwnFrames(tuple(range(phase, num_frames, every)), fps / every, num_frames)
    return None


def _are_blends(grays_THW: Sequence[np.ndarray], numbers: Sequence[int]) -> bool:
    """Whether all frames between these are blends of the two around them, and these are none of their neighbours."""
    between = [
        _unexplained(grays_THW[number], grays_THW[before], grays_THW[after])
        for before, after in itertools.pairwise(numbers)
        for number in range(before + 1, after)
    ]
    own = [
        _unexplained(grays_THW[number], grays_THW[number - 1], grays_THW[number + 1])
        for number in numbers
        if 0 < number < len(grays_THW) - 1
    ]
    return float(np.quantile(between, 0.8)) < _BLEND_LEAVES and float(np.median(own)) > _OWN_LEAVES


def _unexplained(gray_HW: np.ndarray, before_HW: np.ndarray, after_HW: np.ndarray) -> float:
    """What the best blend of two others leaves of a frame, as a share of their difference (root mean squares)."""
    start, end = before_HW.astype(np.float32), after_HW.astype(np.float32)
    way, gone = end - start, gray_HW.astype(np.float32) - start
    length = float((way * way).mean())
    if length < SAME_BELOW**2:
        return 1.0
    share = min(max(float((way * gone).mean()) / length, 0.0), 1.0)
    left = gone - share * way
    return float(np.sqrt((left * left).mean() / length))


def _is_a_rate(frames_for_one: float, fps: Fraction) -> bool:
    return 1 < frames_for_one <= _MOST_FRAMES_FOR_ONE and float(fps) / frames_for_one >= _LEAST_RATE

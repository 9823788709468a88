"""Which part of a clip is learnt from: without a cut or a black frame, not still, sharp, and otherwise by chance."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from reelops.dataset.metadata.params import Limits
from reelops.dataset.table import Reason
from reelops.metrics.motion.motion import SAME_BELOW

# From this share of dark pixels a frame counts as black, as in `reelops.metrics.light.black_frames`.
BLACK_FROM = 0.98
# Windows count as equally good if they are nearly as lively and nearly as sharp as the best.
_STILL_MARGIN = 0.05
_SHARP_SHARE = 0.9


@dataclass(frozen=True)
class Ticks:
    """A clip in numbers, at the rate of the window: one per picture, and one per step from picture to picture.

    Attributes:
        dark, sharp: share of dark pixels and sharpness of each of T pictures.
        changes, breaks: mean change of luma, and what motion does not explain, of each of T - 1 steps.
    """

    dark_T: np.ndarray
    sharp_T: np.ndarray
    changes_S: np.ndarray
    breaks_S: np.ndarray

    @property
    def count(self) -> int:
        return len(self.dark_T)


@dataclass(frozen=True)
class Refused:
    """Why a clip has no window, with what was found."""

    reason: Reason
    evidence: str


def choose_window(ticks: Ticks, frames: int, fps: int, limits: Limits, chance: str) -> int | Refused:
    """The first picture of the window.

    Args:
        ticks: all pictures that were looked at.
        frames, fps: of the window.
        chance: decides between windows that are equally good.
    """
    if ticks.count < frames:
        return Refused(Reason.TOO_SHORT, f"it has {ticks.count} pictures at {fps} per second, and {frames} are needed")
    black = _windowed(ticks.dark_T >= BLACK_FROM, frames)
    cuts = _windowed(ticks.breaks_S > limits.cut_threshold, frames - 1)
    still = _windowed(ticks.changes_S < SAME_BELOW, frames - 1) / (frames - 1)
    light, whole, lively = black == 0, cuts == 0, still <= limits.max_still_share
    if not light.any():
        number = int((ticks.dark_T >= BLACK_FROM).sum())
        return Refused(Reason.BLACK, f"{number} of {ticks.count} pictures are black, some in every window")
    if not (light & whole).any():
        number = int((ticks.breaks_S > limits.cut_threshold).sum())
        return Refused(Reason.CUT_RIDDEN, f"{number} cuts in {ticks.count / fps:.1f} s leave no window between them")
    if not (light & whole & lively).any():
        least = float(still[light & whole].min())
        return Refused(Reason.STILL, f"nothing changes in {least:.0%} of the steps of its liveliest window")
    return _best(light & whole & lively, still, _windowed(ticks.sharp_T, frames) / frames, chance)


def by_chance(number: int, *names: object) -> int:
    """A number from 0 to `number` - 1 that follows from the names alone."""
    digest = hashlib.sha256("/".join(map(str, names)).encode()).digest()
    return int.from_bytes(digest[:8]) % number


def _best(possible: np.ndarray, still: np.ndarray, sharp: np.ndarray, chance: str) -> int:
    lively = possible & (still <= still[possible].min() + _STILL_MARGIN)
    sharpest = lively & (sharp >= _SHARP_SHARE * sharp[lively].max())
    starts = np.flatnonzero(sharpest)
    return int(starts[by_chance(len(starts), chance)])


def _windowed(values: np.ndarray, length: int) -> np.ndarray:
    """Sums over every run of `length` values."""
    total = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    sums: np.ndarray = total[length:] - total[:-length]
    return sums

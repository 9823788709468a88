"""Motion: does anything move at all, and does it keep moving?"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from reelops.metrics.metric import Metric, Series
from reelops.metrics.tracker import Measure
from reelops.metrics.view import Step, View
from reelops.optical_flow.working_size import WORKING_ROWS

# Mean luma change between neighbours, in grey levels, below which a frame repeats the one before. Compression alone
# changes a frozen clip by less; the slowest camera move over a smooth picture changes it by more.
SAME_BELOW = 0.25

# A stutter is a repeated frame amid motion: it changes by less than a tenth of what its surroundings do, four steps
# either way, and those move so that it shows.
_SURROUNDINGS = 4
_STUTTER_SHARE = 0.1
_MOVING_ABOVE = 0.8

# Hand-drawn films come on twos and threes: at 12 and 8 pictures per second. Fewer than 6 are seen one by one.
_MIN_RATE = 6
_MIN_PICTURES = 6
_MAX_OFF = 1.5


_CHANGE = Series("Change from the frame before", "grey levels", "low")

MOTION = Metric(
    name="motion",
    title="Motion per frame, at 480 rows",
    unit="px",
    direction="in between is better",
    section="Motion",
    description="whether anything moves: mean length of the flow from frame to frame; 0 is frozen",
    blind_to="noise and flicker count as a little motion",
    below="The clip is frozen.",
    track=lambda setup: Motion(setup.fps),
)
DUPLICATED_SHARE = Metric(
    name="duplicated_share",
    title="Share of repeated frames",
    unit="",
    direction="lower is better",
    section="Motion",
    description="share of frames that repeat the one before (mean luma change below 0.25 grey levels)",
    blind_to="repeats under noise",
    high=1,
    above="The clip stands still at times.",
    own_series=_CHANGE,
)
FROZEN_SHARE = Metric(
    name="frozen_share",
    title="Longest standstill, share of the clip",
    unit="",
    direction="lower is better",
    section="Motion",
    description="longest standstill as a share of the clip",
    blind_to="a frozen picture under noise",
    high=1,
    above="The clip stands still.",
    own_series=_CHANGE,
)
STUTTER = Metric(
    name="stutter",
    title="Frames repeated amid motion",
    unit="",
    direction="lower is better",
    section="Motion",
    description="share of frames that repeat the one before while all around them moves: frames were dropped. Pictures "
    "that arrive evenly at a lower rate than the file's, as drawings on twos and threes do, are none from six a second "
    "on",
    blind_to="frames dropped without a repeat",
    high=1,
    above="Frames are dropped, and others shown again in their place.",
    own_series=_CHANGE,
)


def motion(magnitudes: Sequence[float]) -> float:
    """Mean flow magnitude over the clip, in pixels at 480 rows per frame, from one value per step.

    Returns:
        0 for a frozen clip. More is not better. Noise and flicker move nothing but are seen as a little motion.
    """
    return float(np.mean(magnitudes))


def change(previous_HW: np.ndarray, next_HW: np.ndarray) -> float:
    """Mean absolute luma change between two uint8 pictures, in grey levels, [0, 255]."""
    return float(np.abs(next_HW.astype(np.int16) - previous_HW.astype(np.int16)).mean())


def duplicated_share(changes: Sequence[float]) -> float:
    """Share of neighbouring pairs whose second frame repeats the first, from their `change`: [0, 1], 0 is best.

    Blind to repeats under noise. A camera that watches an empty room repeats frames, too.
    """
    return float((np.asarray(changes) < SAME_BELOW).mean())


def frozen_share(changes: Sequence[float]) -> float:
    """The longest standstill as a share of the clip's steps, from their `change`: [0, 1], 0 is best, 1 all frozen."""
    longest = run = 0
    for value in changes:
        run = run + 1 if value < SAME_BELOW else 0
        longest = max(longest, run)
    return longest / len(changes)


def stutter(changes: Sequence[float], fps: Fraction) -> float:
    """Share of steps that repeat a frame amid motion, from their `change`: [0, 1], 0 is best.

    It tells dropped frames, in whose place others are shown again, from a scene that comes to rest, and from pictures
    that arrive evenly at a lower rate than the file's, such as drawings on threes: these are no stutter from six
    pictures per second on. Blind to frames that are dropped without a repeat, and to repeats where little moves.
    """
    values = np.asarray(changes)
    if _arrive_evenly(values, fps):
        return 0.0
    stalls = 0
    for number, value in enumerate(values):
        around = float(np.quantile(values[max(0, number - _SURROUNDINGS) : number + _SURROUNDINGS + 1], 0.8))
        stalls += bool(around > _MOVING_ABOVE and value < min(SAME_BELOW, _STUTTER_SHARE * around))
    return stalls / len(values)


def _arrive_evenly(changes: np.ndarray, fps: Fraction) -> bool:
    """Whether new pictures come fast enough, and evenly: at whole steps, none is off by more than a step and a half."""
    moving = changes[changes >= SAME_BELOW]
    if len(moving) < _MIN_PICTURES:
        return False
    steps = np.flatnonzero(changes >= min(SAME_BELOW, _STUTTER_SHARE * float(np.median(moving))))
    every = (steps[-1] - steps[0]) / (len(steps) - 1)
    off = steps - every * np.arange(len(steps))
    return bool(np.ptp(off) <= _MAX_OFF and float(fps) / every >= _MIN_RATE)


class Motion:
    """Follows how far pixels go and how much they change."""

    def __init__(self, fps: Fraction) -> None:
        self._fps = fps
        self._magnitudes: list[float] = []
        self._changes: list[float] = []

    def see(self, _: View, step: Step | None, /) -> None:
        if step is not None:
            self._magnitudes.append(float(step.speed_HW.mean(dtype=np.float64)))
            self._changes.append(change(step.before.gray_HW, step.after.gray_HW))

    def measures(self) -> dict[str, Measure]:
        changes, by_luma = tuple(self._changes), f"luma at {WORKING_ROWS} rows"
        return {
            "motion": Measure(
                motion(self._magnitudes), f"DIS flow at {WORKING_ROWS} rows", series=tuple(self._magnitudes)
            ),
            "duplicated_share": Measure(duplicated_share(changes), by_luma, series=changes),
            "frozen_share": Measure(frozen_share(changes), by_luma, series=changes),
            "stutter": Measure(stutter(changes, self._fps), by_luma, series=changes),
        }

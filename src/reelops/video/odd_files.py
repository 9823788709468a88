"""What is odd about a video file that can be read all the same, in words: times, shapes and light that change."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from reelops.video.high_dynamic_range import transfer_of
from reelops.video.picture_times import PictureTimes

_PAUSE_SECONDS, _PAUSE_STEPS = 60, 30
_MOST_NAMED = 3


def pause_ticks(gaps: np.ndarray, time_base: Fraction) -> float:
    """A picture shown for longer than so many ticks stands still: the recording paused, or its times are odd."""
    return max(_PAUSE_SECONDS / float(time_base), _PAUSE_STEPS * float(np.median(gaps)))


def stretches(pts: np.ndarray, time_base: Fraction, end: Fraction) -> list[tuple[Fraction, Fraction]]:
    """The parts of a recording between its pauses, in seconds after the first frame; all of it where it never paused.

    Args:
        pts: of all frames, ascending.
        end: seconds at which the last frame ends.
    """
    if len(pts) < 2:
        return [(Fraction(0), end)]
    gaps = np.diff(pts)
    before_pauses = np.flatnonzero(gaps > pause_ticks(gaps, time_base)).tolist()
    step, first = int(np.median(gaps)), int(pts[0])
    starts = [0, *(int(pts[number + 1]) - first for number in before_pauses)]
    ends = [*((int(pts[number]) - first + step) * time_base for number in before_pauses), end]
    return [(start * time_base, stop) for start, stop in zip(starts, ends, strict=True)]


def notes_on(times: PictureTimes, time_base: Fraction, first_frame: Any) -> Iterator[str]:
    """A sentence for each oddity."""
    if transfer := transfer_of(first_frame):
        yield f"It is HDR ({transfer}); it is read as SDR, tone-mapped to a white of 203 cd/m2."
    if times.restarts:
        yield (
            f"Its times begin anew at frame {_named(times.restarts)}, as of recordings that were put together; they "
            "are read as going on."
        )
    if times.num_before:
        yield (
            f"Its first {times.num_before} stored pictures lean on ones before the cut, which are not there; as in any "
            "player they are not shown."
        )
    for number, width, height in times.shapes[1 : 1 + _MOST_NAMED]:
        yield f"Its picture is {width}x{height} from frame {number} on, and {_size(times.shapes[0])} before."
    yield from _on_pauses(times, time_base)


def _on_pauses(times: PictureTimes, time_base: Fraction) -> Iterator[str]:
    if len(times.pts) < 2:
        return
    gaps = np.diff(times.pts)
    limit = pause_ticks(gaps, time_base)
    for number in np.flatnonzero(gaps > limit)[:_MOST_NAMED].tolist():
        yield f"Frame {number} stands for {float(gaps[number] * time_base):,.0f} s, which the rate leaves out."
    if times.last_duration > limit:
        seconds = float(times.last_duration * time_base)
        yield f"Its last frame is to stand for {seconds:,.0f} s; it is shown for as long as the others."


def _named(numbers: tuple[int, ...]) -> str:
    more = f" and {len(numbers) - _MOST_NAMED} more" if len(numbers) > _MOST_NAMED else ""
    return ", ".join(map(str, numbers[:_MOST_NAMED])) + more


def _size(shape: tuple[int, int, int]) -> str:
    return f"{shape[1]}x{shape[2]}"

"""Pieces that show for a moment what does not belong there are found, with their place."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from filmed import measures_of, spoilt

from reelops.metrics.continuity.broken_parts import BrokenParts
from reelops.metrics.pace import Pace
from reelops.metrics.tracker import Measure

EIGHT = Fraction(8)


def measured(frames: np.ndarray, fps: Fraction = EIGHT) -> Measure:
    return measures_of(BrokenParts(Pace(fps)), frames)["broken_parts"]


def test_a_good_clip_has_no_broken_parts(kitten: np.ndarray) -> None:
    assert (measured(kitten).value or 0) < 4


@pytest.mark.parametrize(("fault", "strength"), [("misplaced blocks", 0), ("misplaced blocks", 2), ("grey blocks", 1)])
def test_lost_packets_are_found(kitten: np.ndarray, fault: str, strength: int) -> None:
    assert (measured(spoilt(kitten, fault, strength)).value or 0) > 4


def test_the_place_of_a_broken_part_is_named(kitten: np.ndarray) -> None:
    broken, draw = kitten.copy(), np.random.default_rng(0)
    for frame in (16, 20, 24, 28, 32):
        for _ in range(10):
            top, left = draw.integers(80, 140), draw.integers(130, 220)
            broken[frame, top : top + 12, left : left + 12] = kitten[
                frame, top - 70 : top - 58, left - 120 : left - 108
            ]
    found = measured(broken)
    assert (found.value or 0) > 4
    assert found.place is not None and 16 <= (found.place.frame or 0) <= 33
    assert found.place.box is not None and found.place.box[0] > 0.5 and found.place.box[1] > 0.4


def test_of_a_long_clip_the_worst_six_seconds_count_and_a_short_one_is_not_judged(kitten: np.ndarray) -> None:
    bad = spoilt(kitten, "misplaced blocks", 1)
    long = measured(np.concatenate([kitten, bad]))
    assert long.value is not None and long.value > 4
    assert long.place is not None and (long.place.frame or 0) >= 48
    short = measured(kitten[:8])
    assert short.value is None and not short.applies


def test_three_times_the_rate_gives_the_same(kitten: np.ndarray) -> None:
    assert measured(np.repeat(kitten[:20], 3, axis=0), 3 * EIGHT).value == pytest.approx(measured(kitten[:20]).value)

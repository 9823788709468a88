"""Grades against their formula, colour by colour."""

from __future__ import annotations

from math import log2

import numpy as np
import pytest

from reelops.augment.grading import NIGHT, Grade, grade, nightfall
from reelops.metrics.light.colour_drift import tint
from reelops.metrics.light.exposure_drift import luminance


def test_each_frame_is_graded_by_its_share_and_stays_within_a_byte() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (3, 16, 24, 3), dtype=np.uint8)
    towards = Grade(gain=(1.5, 1.0, 0.25), lift=(20.0, -30.0, 0.0))
    graded = grade(frames, towards, [0.0, 0.5, 1.0])
    assert graded.dtype == np.uint8 and (graded[0] == frames[0]).all()
    for share, before, after in zip((0.5, 1.0), frames[1:], graded[1:], strict=True):
        exact = before * (1 + share * np.array([0.5, 0, -0.75])) + share * np.array([20, -30, 0])
        assert np.abs(after - exact.clip(0, 255)).max() <= 0.5


def test_by_night_little_light_is_left_and_it_is_blue() -> None:
    grey = np.full((1, 16, 24, 3), 128, np.uint8)
    night = grade(grey, NIGHT, [1.0])[0]
    assert tint(night)[1] < -8
    assert log2(luminance(night) / luminance(grey[0])) < -3


def test_night_falls_evenly_and_stays() -> None:
    shares = nightfall(np.linspace(0, 1, 11))
    assert shares[0] == 0 and (shares[7:] == 1).all()
    assert np.ptp(np.diff(shares[:8])) < 1e-9


def test_as_many_shares_as_frames_are_wanted() -> None:
    with pytest.raises(ValueError, match="shorter"):
        grade(np.zeros((2, 4, 4, 3), np.uint8), NIGHT, [1.0])

"""The same clip at a higher rate, filled up by repeats or blends, measures the same."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from real_media import media

from reelops.gate.degenerate_clips import boiling, shuffled
from reelops.metrics.repeated_frames import own_frames
from reelops.metrics.settings import ScoreSettings
from reelops.metrics.suite import score_frames
from reelops.optical_flow.working_size import luma
from reelops.video.decode import read_clip

EIGHT = Fraction(8)
FAST = ScoreSettings(temporal_engine="dis", temporal_rows=160, temporal_scale=110.0)
Fill = Callable[[np.ndarray], np.ndarray]


def _doubled(frames: np.ndarray) -> np.ndarray:
    return np.repeat(frames, 2, axis=0)


def _trebled(frames: np.ndarray) -> np.ndarray:
    return np.repeat(frames, 3, axis=0)


def _at_thirty(frames: np.ndarray) -> np.ndarray:
    return frames[np.arange(len(frames) * 30 // 8) * 8 // 30]


def _every_fourth_twice(frames: np.ndarray) -> np.ndarray:
    return frames[[number for number in range(len(frames)) for _ in range(2 if number % 4 == 3 else 1)]]


def _blended(frames: np.ndarray) -> np.ndarray:
    middle = (frames[:-1].astype(np.uint16) + frames[1:] + 1) // 2
    filled = np.empty((2 * len(frames) - 1, *frames.shape[1:]), np.uint8)
    filled[::2], filled[1::2] = frames, middle
    return filled


FILLINGS = [(_doubled, 16), (_trebled, 24), (_at_thirty, 30), (_every_fourth_twice, 10), (_blended, 16)]


@pytest.fixture(scope="module")
def kitten() -> np.ndarray:
    return read_clip(media("cogvideo-example-kitten.mp4"), size=(240, 160))


@pytest.mark.parametrize(("fill", "fps"), FILLINGS)
def test_the_own_frames_of_a_clip_that_was_filled_up_are_found(kitten: np.ndarray, fill: Fill, fps: int) -> None:
    filled = fill(kitten)
    own = own_frames(map(luma, filled), Fraction(fps))
    assert own is not None and own.num_frames == len(filled)
    assert np.array_equal(filled[list(own.numbers)], kitten)
    assert float(own.fps) == pytest.approx(8, rel=0.02)


@pytest.mark.parametrize("name", ["intel-asl-milk.mkv", "intel-asl-walk.mkv", "intel-cars-cut.mp4"])
def test_a_quiet_scene_that_nobody_filled_up_keeps_all_its_frames(name: str) -> None:

    frames = read_clip(media(name), size=(240, 160))
    rate = Fraction(25, 2) if "cars" in name else Fraction(30)
    assert own_frames(map(luma, frames), rate) is None


def test_frames_lost_at_random_are_not_taken_for_a_lower_rate(kitten: np.ndarray) -> None:
    order = np.arange(len(kitten))
    order[np.random.default_rng(0).choice(order[1:], 16, replace=False)] = 0
    assert own_frames(map(luma, _trebled(kitten[np.maximum.accumulate(order)])), Fraction(24)) is None


def test_a_slow_and_even_pan_is_not_taken_for_blends() -> None:
    picture = read_clip(media("cogvideo-example-horse.mp4"))[0]
    pan = [luma(picture[100:260, start : start + 240]) for start in range(0, 120, 2)]
    assert own_frames(pan, Fraction(30)) is None


@pytest.mark.parametrize("spoil", [boiling, shuffled])
def test_a_spoilt_clip_measures_the_same_at_three_times_the_rate(
    kitten: np.ndarray, spoil: Callable[[np.ndarray, np.random.Generator], np.ndarray]
) -> None:
    spoilt = spoil(kitten[:24], np.random.default_rng(0))
    once = score_frames(spoilt, EIGHT, None, None, FAST)
    thrice = score_frames(_trebled(spoilt), 3 * EIGHT, None, None, FAST)
    assert thrice.own_frames is not None and thrice.own_frames.numbers == tuple(range(0, 72, 3))
    assert thrice["duplicated_share"] == pytest.approx(2 / 3)
    assert {**thrice, "duplicated_share": 0} == {**once, "duplicated_share": 0}
    assert len(thrice.measures["brightness"].series or ()) == 72 and len(thrice.measures["motion"].series or ()) == 71
    assert (thrice.measures["brightness"].series or ())[::3] == once.measures["brightness"].series
    assert "72 frames repeat or blend others" in thrice.to_json()["format"]["measured"]

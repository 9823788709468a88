"""Black bars are found, and nothing else is taken for them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from real_media import media

from reelops.metrics.letterbox import Bars, find_bars
from reelops.metrics.place import Place
from reelops.metrics.settings import ScoreSettings
from reelops.metrics.suite import score_clip, score_frames
from reelops.optical_flow.working_size import luma
from reelops.video.decode import read_clip
from reelops.video.encode import encode

FAST = ScoreSettings(temporal_engine="dis", temporal_rows=160, temporal_scale=110.0)


@pytest.fixture(scope="module")
def horse() -> np.ndarray:
    return read_clip(media("cogvideo-example-horse.mp4"), size=(240, 160))[:12]


def lumas(frames: np.ndarray) -> list[np.ndarray]:
    return [luma(frame) for frame in frames]


def padded(frames: np.ndarray, top: int, bottom: int, left: int = 0, right: int = 0, level: int = 0) -> np.ndarray:
    return np.pad(frames, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=level)


@pytest.mark.parametrize("edges", [(20, 20, 0, 0), (0, 0, 40, 40), (16, 24, 10, 0), (20, 20, 30, 30)])
def test_bars_are_found_at_each_edge(horse: np.ndarray, edges: tuple[int, int, int, int]) -> None:
    found = find_bars(lumas(padded(horse, *edges)))
    assert found is not None and (found.top, found.bottom, found.left, found.right) == edges
    np.testing.assert_array_equal(found.without(padded(horse, *edges)[0]), horse[0])


def test_pictures_without_bars_have_none(horse: np.ndarray) -> None:
    assert find_bars(lumas(horse)) is None
    assert find_bars(lumas(np.zeros_like(horse))) is None
    assert find_bars(lumas(padded(horse, 20, 20, level=90))) is None
    night = horse.copy()
    night[:, :40] = np.random.default_rng(0).integers(0, 18, night[:, :40].shape)
    assert find_bars(lumas(night)) is None, "a dark sky has noise"
    late = padded(horse, 20, 20)
    late[3, :20] = 120
    assert find_bars(lumas(late[:6])) == Bars(0, 20, 0, 0, 240, 200), "what is no bar in one frame is none"


def test_a_clip_with_bars_measures_as_without_and_says_so(horse: np.ndarray, tmp_path: Path) -> None:
    bare, barred = score_frames(horse, Fraction(8), None, None, FAST), padded(horse, 24, 24)
    found = score_frames(barred, Fraction(8), None, None, FAST)
    assert dict(found) == dict(bare)
    assert str(found.bars) == "black bars were left out: 240x160 of 240x208 is picture"
    assert found.format.height == 208 and found.to_json()["format"]["bars"] == str(found.bars)
    clip = encode(barred, tmp_path / "barred.mp4", Fraction(8), "high").path
    assert score_clip(clip, None, None, FAST).bars == found.bars


def test_with_its_picture_a_clip_is_compared_within_its_bars(horse: np.ndarray) -> None:
    barred = padded(horse, 24, 24)
    for picture in (horse[0], barred[0]):
        found = score_frames(barred, Fraction(8), picture, None, FAST)
        assert (found["first_frame_fidelity"] or 0) > 50


def test_a_place_within_bars_is_told_of_the_whole_picture() -> None:
    bars = Bars(50, 50, 0, 0, 100, 200)
    assert bars.of_whole(Place(3, (0.0, 0.0, 1.0, 0.5))) == Place(3, (0.0, 0.25, 1.0, 0.5))
    assert bars.of_whole(Place(3)) == Place(3)

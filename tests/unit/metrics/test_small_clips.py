"""Whatever a clip's size and whatever is in it, each metric is a number of its range, or nothing and a reason."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest

from reelops.metrics.camera.camera_course import camera_measures
from reelops.metrics.camera.camera_move import CameraTracker
from reelops.metrics.camera_motion import CameraMotion
from reelops.metrics.catalogue import METRICS
from reelops.metrics.scores import Scores
from reelops.metrics.settings import ScoreSettings
from reelops.metrics.suite import score_frames
from reelops.optical_flow.working_size import at_rows

SETTINGS = ScoreSettings(temporal_engine="dis", temporal_rows=160, temporal_scale=120.0)
SIZES = [(1, 1), (2, 2), (3, 3), (1, 2), (2, 1), (1, 9), (9, 1), (2, 9), (9, 2), (4, 400), (2, 300), (12, 2), (16, 16)]
"""Width and height."""


def noise(width: int, height: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (3, height, width, 3), dtype=np.uint8)


def black(width: int, height: int) -> np.ndarray:
    return np.zeros((3, height, width, 3), np.uint8)


def white(width: int, height: int) -> np.ndarray:
    return np.full((3, height, width, 3), 255, np.uint8)


def flashing(width: int, height: int) -> np.ndarray:
    return np.stack([np.full((height, width, 3), 255 * (number % 2), np.uint8) for number in range(4)])


def unmoved(width: int, height: int) -> np.ndarray:
    return noise(width, height)[:1].repeat(3, axis=0)


def scored(frames_THWC: np.ndarray, picture_HWC: np.ndarray | None = None) -> Scores:
    return score_frames(iter(frames_THWC), Fraction(8), picture_HWC, "slow zoom in", SETTINGS)


def check(scores: Scores) -> None:
    for name, measure in scores.measures.items():
        metric = METRICS[name]
        if measure.value is None:
            assert measure.reason, name
        else:
            assert math.isfinite(measure.value), name
            assert metric.low <= measure.value <= metric.high, (name, measure.value)
        assert all(value is None or math.isfinite(value) for value in measure.series or ()), name
    assert all(math.isfinite(value) for vector in scores.features.values() for value in vector)
    json.dumps(scores.to_json(), allow_nan=False)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("filled", [noise, black])
def test_clip_of_any_size_has_scores_in_their_ranges(
    size: tuple[int, int], filled: Callable[[int, int], np.ndarray]
) -> None:
    frames_THWC = filled(*size)
    check(scored(frames_THWC, frames_THWC[0]))


@pytest.mark.parametrize("filled", [black, white, flashing, unmoved])
def test_clip_without_motion_or_light_has_scores_in_their_ranges(filled: Callable[[int, int], np.ndarray]) -> None:
    frames_THWC = filled(64, 48)
    check(scored(frames_THWC, frames_THWC[0]))


def test_two_frames_are_enough() -> None:
    check(scored(noise(64, 48)[:2]))


def test_what_is_too_small_for_a_metric_says_so() -> None:
    measures = scored(noise(2, 2)).measures
    assert measures["noise_level"].reason == "it takes 3 pixels a side, and the clip is 2x2"
    assert measures["blockiness"].value == 1
    assert scored(noise(9, 1)).measures["blockiness"].reason == "it takes 2 pixels a side, and the clip is 9x1"


@pytest.mark.parametrize(("size", "shape"), [((4, 400), (160, 16)), ((400, 1), (160, 32_000)), ((90, 160), (160, 90))])
def test_ribbons_keep_a_size_that_a_flow_can_be_found_at(size: tuple[int, int], shape: tuple[int, int]) -> None:
    assert at_rows(np.zeros((size[1], size[0]), np.uint8), 160).shape == shape


@pytest.mark.parametrize("scale", [1.2, 0.8])
def test_a_zoom_without_end_has_no_magnification_rather_than_an_endless_one(scale: float) -> None:
    """As a fractal zoom of ten minutes has, of 1.2 a frame."""
    motion = zoomed(scale, frames=1300)
    assert not motion.trusted
    for measure in camera_measures(motion).values():
        assert measure.value is None
        assert measure.reason == motion.why_untrusted
    assert "so far in or out" in motion.why_untrusted


@pytest.mark.parametrize("scale", [1.2, 0.8])
def test_a_very_long_zoom_has_its_magnification(scale: float) -> None:
    motion = zoomed(scale, frames=200)
    assert motion.trusted
    assert math.log(motion.zoom) == pytest.approx(200 * math.log(scale), rel=0.02)


def test_a_picture_that_shrinks_to_a_point_has_numbers_for_it() -> None:
    assert all(math.isfinite(measure.value or 0) for measure in camera_measures(zoomed(0.0, frames=2)).values())


def zoomed(scale: float, frames: int) -> CameraMotion:
    """What the camera is said to have done where each step's flow is a zoom by `scale` about the middle."""
    side = 32
    gray_HW = np.random.default_rng(0).integers(0, 255, (side, side), dtype=np.uint8)
    y, x = (axis.astype(np.float32) - (side - 1) / 2 for axis in np.mgrid[0:side, 0:side])
    flow_HW2 = np.stack([(scale - 1) * x, (scale - 1) * y], -1).astype(np.float32)
    tracker = CameraTracker()
    tracker.see(gray_HW, None)
    for _ in range(frames):
        tracker.see(gray_HW, flow_HW2)
    return tracker.motion(side, side)

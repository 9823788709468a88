"""Frames in disorder, repeated, standing still, wobbling: each is told, and real motion is not taken for it."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest

from reelops.camera.moves import CameraMove
from reelops.gate.degenerate_clips import boiling as boil
from reelops.gate.degenerate_clips import frozen_with_noise, shuffled, stalled
from reelops.metrics.continuity.frame_diversity import FrameDiversity
from reelops.metrics.motion.boiling import Boiling, undone_share
from reelops.metrics.motion.frame_order import FrameOrder
from reelops.metrics.motion.motion import Motion, frozen_share, stutter
from reelops.metrics.tracker import Measure
from reelops.metrics.view import View

EIGHT = Fraction(8)
Film = Callable[..., np.ndarray]
Track = Callable[..., dict[str, Measure]]


def value_of(measures: dict[str, Measure], name: str) -> float:
    value = measures[name].value
    assert value is not None
    return value


def test_a_walk_is_in_order_and_the_same_frames_shuffled_are_not(walk: np.ndarray, track: Track) -> None:
    rng = np.random.default_rng(1)
    assert value_of(track(FrameOrder(), walk), "frame_disorder") < 0.7
    assert value_of(track(FrameOrder(), shuffled(walk, rng)), "frame_disorder") > 0.82


def test_noise_over_a_frozen_picture_has_no_order(walk: np.ndarray, track: Track) -> None:
    noisy = frozen_with_noise(walk, np.random.default_rng(0))
    assert value_of(track(FrameOrder(), noisy), "frame_disorder") == pytest.approx(1, abs=0.1)


def test_disorder_is_the_ratio_of_near_to_far_differences(track: Track) -> None:
    # Brightness climbs by 2 a frame: neighbours differ by 2; frames 4, 6 and 8 apart by 8, 12 and 16.
    ramp = np.stack([np.full((160, 240, 3), 40 + 2 * number, np.uint8) for number in range(12)])
    assert value_of(track(FrameOrder(), ramp), "frame_disorder") == pytest.approx(2 / 12)
    assert value_of(track(FrameOrder(), ramp), "returns") == 0
    to_and_fro = ramp[[0, 3] * 4]
    assert value_of(track(FrameOrder(), to_and_fro), "returns") == 1


def test_where_nothing_changes_there_is_no_order_to_tell(walk: np.ndarray, track: Track) -> None:
    measure = track(FrameOrder(), walk[[0] * 9])["frame_disorder"]
    assert measure.value is None and "next to nothing changes" in (measure.reason or "")
    assert "more than 4 frames" in (track(FrameOrder(), walk[:3])["frame_disorder"].reason or "")


def test_repeats_amid_motion_are_a_stutter_and_rest_is_not() -> None:
    assert stutter([3, 4, 0.0, 6, 3, 0.05, 7, 3, 4, 0.1, 0.0, 5], EIGHT) == pytest.approx(4 / 12)
    assert stutter([3, 4, 5] + [0.1] * 12, EIGHT) == pytest.approx(0, abs=4 / 15)
    assert stutter([0.1] * 10, EIGHT) == 0


@pytest.mark.parametrize(
    ("held", "fps", "expected"),
    [
        ((2,), 24, 0),
        ((3,), 24, 0),
        ((2, 3), 20, 0),
        ((1, 1, 1, 2), 30, 0),
        ((7, 8), 60, 0),
        ((2,), 8, 0.5),
        ((4,), 20, 0.75),
    ],
)
def test_pictures_that_arrive_evenly_are_no_stutter_unless_one_sees_them_one_by_one(
    held: tuple[int, ...], fps: int, expected: float
) -> None:
    changes = [5.0 if step == 0 else 0.0 for _ in range(24) for length in held for step in range(length)]
    assert stutter(changes, Fraction(fps)) == pytest.approx(expected, abs=0.03)


def test_frames_lost_at_random_are_a_stutter_at_any_rate() -> None:
    for seed in range(50):
        order = np.arange(49)
        frames = np.arange(49.0).reshape(-1, 1, 1, 1) * np.ones((1, 2, 2, 3))
        lost = stalled(frames, np.random.default_rng(seed))[:, 0, 0, 0]
        changes = [5.0 if lost[step] != lost[step - 1] else 0.0 for step in order[1:]]
        assert stutter(changes, Fraction(24)) >= 0.2


def test_dropped_and_repeated_frames_of_a_walk_are_counted(walk: np.ndarray, track: Track) -> None:
    assert value_of(track(Motion(EIGHT), walk), "stutter") == 0
    assert value_of(track(Motion(EIGHT), stalled(walk, np.random.default_rng(0))), "stutter") >= 4 / 16


def test_the_longest_standstill_counts() -> None:
    assert frozen_share([0.0, 0.1, 3, 0.2, 0.1, 0.0, 3, 3]) == 3 / 8
    assert frozen_share([0.0] * 5) == 1
    assert frozen_share([1.0] * 5) == 0


def test_boiling_is_told_from_a_walk_and_from_a_pan(walk: np.ndarray, filmed: Film, track: Track) -> None:
    for good in (walk, filmed(CameraMove.PAN_LEFT, num_frames=17)):
        assert value_of(track(Boiling(), good), "boiling") < 0.3
        boiled = boil(good, np.random.default_rng(0))
        assert value_of(track(Boiling(), boiled), "boiling") > 0.5


def test_patches_whose_motion_is_undone_are_counted() -> None:
    to, fro = np.zeros((80, 120, 2), np.float32), np.zeros((80, 120, 2), np.float32)
    to[..., 0], fro[:, :60, 0], fro[:, 60:, 0] = 2.0, -2.0, 2.0
    known = np.ones((80, 120), bool)
    assert undone_share(to, fro, known) == 0.5  # half of all patches, and half of those that move
    assert undone_share(to, np.where(fro > 0, 0, fro), known) == pytest.approx(0.5**0.5)
    assert undone_share(to, fro, ~known) is None
    known[:, 60:] = False
    assert undone_share(to, fro, known) == 1


def test_frame_diversity_is_the_spread_of_thumbnails_over_time(walk: np.ndarray, track: Track) -> None:
    thumbs = np.stack([View(frame).thumb_HW for frame in walk]).astype(np.float64) / 255
    assert value_of(track(FrameDiversity(), walk), "frame_diversity") == pytest.approx(
        np.sqrt(thumbs.var(axis=0).mean())
    )
    assert value_of(track(FrameDiversity(), walk[[0, 0, 0]]), "frame_diversity") == 0
    black_and_white = np.zeros((6, 40, 60, 3), np.uint8)
    black_and_white[::2] = 255
    assert value_of(track(FrameDiversity(), black_and_white), "frame_diversity") == pytest.approx(0.5)

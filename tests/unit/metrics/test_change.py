"""Residual ratio, motion, repeats and cuts tell motion from what only looks like it."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest

from reelops.camera.moves import CameraMove, CameraSpeed
from reelops.metrics.continuity.residual_ratio import ResidualTracker
from reelops.metrics.continuity.scene_cut import discontinuity, scene_cut
from reelops.metrics.motion.motion import change, duplicated_share, motion
from reelops.metrics.tracker import Measure, OfSteps
from reelops.metrics.view import Pulled
from reelops.optical_flow.engines import Dis, mean_magnitude
from reelops.optical_flow.working_size import at_rows, luma

Film = Callable[..., np.ndarray]
Track = Callable[..., dict[str, Measure]]


def grays(frames: np.ndarray) -> list[np.ndarray]:
    return [at_rows(luma(frame), 160) for frame in frames]


def ratio_of(track: Track, frames: np.ndarray) -> float | None:
    return track(ResidualTracker(), frames)["residual_ratio"].value


def with_noise(frames: np.ndarray, sigma: float) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, sigma, frames.shape)
    return np.clip(frames + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("move", [CameraMove.ZOOM_IN, CameraMove.PAN_LEFT])
@pytest.mark.parametrize("speed", [CameraSpeed.SLOW, CameraSpeed.FAST])
def test_motion_explains_camera_moves_slow_and_fast(
    filmed: Film, track: Track, move: CameraMove, speed: CameraSpeed
) -> None:
    ratio = ratio_of(track, filmed(move, speed))
    assert ratio is not None and ratio < 0.35


@pytest.mark.parametrize("sigma", [4, 12])
def test_motion_does_not_explain_noise_over_a_frozen_picture(filmed: Film, track: Track, sigma: float) -> None:
    ratio = ratio_of(track, with_noise(filmed(CameraMove.STATIC, num_frames=17), sigma))
    assert ratio is not None and ratio > 0.85


def test_alternating_light_over_a_frozen_picture_is_not_explained(filmed: Film, track: Track) -> None:
    frames = filmed(CameraMove.STATIC, num_frames=17) * np.where(np.arange(17) % 2, 0.9, 1.0)[:, None, None, None]
    ratio = ratio_of(track, frames.astype(np.uint8))
    assert ratio is not None and ratio > 0.85


def test_a_frozen_clip_has_no_change_to_explain(filmed: Film, track: Track) -> None:
    assert ratio_of(track, filmed(CameraMove.STATIC, num_frames=9)) is None


def test_two_frames_are_enough_for_a_ratio(filmed: Film, track: Track) -> None:
    ratio = ratio_of(track, filmed(CameraMove.PAN_LEFT)[[0, 1]])
    assert ratio is not None and ratio < 0.8


def test_motion_is_stated_in_pixels_at_480_rows(filmed: Film) -> None:
    frames = grays(filmed(CameraMove.PAN_RIGHT, num_frames=9))
    engine = Dis()
    measured = motion([mean_magnitude(engine.flow(*pair)) for pair in itertools.pairwise(frames)])
    assert measured == pytest.approx(0.20 * 720 / 8, rel=0.06)


def test_repeated_frames_are_counted(filmed: Film) -> None:
    frames = grays(filmed(CameraMove.PAN_RIGHT, CameraSpeed.SLOW)[:5])
    changes = [change(*pair) for pair in itertools.pairwise(frames)]
    assert duplicated_share(changes) == 0
    repeated = [frames[0], frames[0], frames[1], frames[1], frames[2]]
    assert duplicated_share([change(*pair) for pair in itertools.pairwise(repeated)]) == 0.5


def test_a_cut_stands_out_and_a_fast_move_does_not(filmed: Film, track: Track) -> None:
    def strongest(frames: np.ndarray) -> float:
        tracker = OfSteps("scene_cut", lambda step: discontinuity(step.before.gray_HW, step.pulled), "", scene_cut)
        return track(tracker, frames)["scene_cut"].value or 0.0

    pan = filmed(CameraMove.PAN_RIGHT, CameraSpeed.FAST, num_frames=17)
    assert strongest(pan) < 0.1
    assert strongest(np.concatenate([pan[:4], pan[4:8, ::-1, ::-1]])) > 0.5


def test_a_black_frame_is_a_break(filmed: Film) -> None:
    one = grays(filmed(CameraMove.STATIC, num_frames=1))[0]
    black, all_of_it = np.zeros_like(one), np.ones(one.shape, bool)
    assert discontinuity(one, Pulled(black.astype(np.float32), all_of_it)) == 1
    assert discontinuity(black, Pulled(black.astype(np.float32), all_of_it)) == 0

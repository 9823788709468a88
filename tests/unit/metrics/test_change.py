"""Residual ratio, motion, repeats and cuts tell motion from what only looks like it."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest

from reelops.metrics.motion import change, duplicated_share, motion
from reelops.metrics.optical_flow import Dis, mean_magnitude
from reelops.metrics.residual_ratio import ResidualTracker
from reelops.metrics.scene_cut import discontinuity, scene_cut
from reelops.metrics.working_size import at_rows, luma
from reelops.video.camera import CameraMove, CameraSpeed

Film = Callable[..., np.ndarray]


def grays(frames: np.ndarray) -> list[np.ndarray]:
    return [at_rows(luma(frame), 160) for frame in frames]


def residual_of(frames: np.ndarray) -> float | None:
    tracker, engine, previous = ResidualTracker(), Dis(), None
    for gray in grays(frames):
        tracker.see(gray, None if previous is None else engine.flow(previous, gray))
        previous = gray
    return tracker.ratio()


def with_noise(frames: np.ndarray, sigma: float) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, sigma, frames.shape)
    return np.clip(frames + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("move", [CameraMove.ZOOM_IN, CameraMove.PAN_LEFT])
@pytest.mark.parametrize("speed", [CameraSpeed.SLOW, CameraSpeed.FAST])
def test_motion_explains_camera_moves_slow_and_fast(filmed: Film, move: CameraMove, speed: CameraSpeed) -> None:
    ratio = residual_of(filmed(move, speed))
    assert ratio is not None and ratio < 0.35


@pytest.mark.parametrize("sigma", [4, 12])
def test_motion_does_not_explain_noise_over_a_frozen_picture(filmed: Film, sigma: float) -> None:
    ratio = residual_of(with_noise(filmed(CameraMove.STATIC, num_frames=17), sigma))
    assert ratio is not None and ratio > 0.85


def test_alternating_light_over_a_frozen_picture_is_not_explained(filmed: Film) -> None:
    frames = filmed(CameraMove.STATIC, num_frames=17) * np.where(np.arange(17) % 2, 0.9, 1.0)[:, None, None, None]
    ratio = residual_of(frames.astype(np.uint8))
    assert ratio is not None and ratio > 0.85


def test_a_frozen_clip_has_no_change_to_explain(filmed: Film) -> None:
    assert residual_of(filmed(CameraMove.STATIC, num_frames=9)) is None


def test_two_frames_are_enough_for_a_ratio(filmed: Film) -> None:
    ratio = residual_of(filmed(CameraMove.PAN_LEFT)[[0, 1]])
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


def test_a_cut_stands_out_and_a_fast_move_does_not(filmed: Film) -> None:
    engine = Dis()

    def strongest(frames: np.ndarray) -> float:
        pairs = itertools.pairwise(grays(frames))
        return scene_cut([discontinuity(one, other, engine.flow(one, other)) for one, other in pairs])

    pan = filmed(CameraMove.PAN_RIGHT, CameraSpeed.FAST, num_frames=17)
    assert strongest(pan) < 0.1
    assert strongest(np.concatenate([pan[:4], pan[4:8, ::-1, ::-1]])) > 0.5


def test_a_black_frame_is_a_break(filmed: Film) -> None:
    one = grays(filmed(CameraMove.STATIC, num_frames=1))[0]
    black = np.zeros_like(one)
    still = np.zeros((*one.shape, 2), np.float32)
    assert discontinuity(one, black, still) == 1
    assert discontinuity(black, black, still) == 0

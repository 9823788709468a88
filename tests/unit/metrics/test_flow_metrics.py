"""What rests on flow there and back: validity, warping error, smoothness and dynamic degree, against slow formulas."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest

from reelops.camera.moves import CameraMove, CameraSpeed
from reelops.metrics.continuity.flow_validity import flow_validity
from reelops.metrics.continuity.warping_error import WarpingError, trackable, warping_error
from reelops.metrics.motion.dynamic_degree import dynamic_degree, fastest
from reelops.metrics.motion.motion_smoothness import MotionSmoothness, jerk
from reelops.metrics.tracker import Measure
from reelops.optical_flow.engines import Dis
from reelops.optical_flow.forward_backward import confirmed
from reelops.optical_flow.working_size import at_rows, luma

Film = Callable[..., np.ndarray]
Track = Callable[..., dict[str, Measure]]


def bilinear(field: np.ndarray, x: float, y: float) -> np.ndarray:
    """A field at a point, by its definition; beyond the edge the edge repeats."""
    height, width = field.shape[:2]
    left, top = int(np.floor(x)), int(np.floor(y))
    value = np.zeros(field.shape[2:])
    for row, column in ((top, left), (top, left + 1), (top + 1, left), (top + 1, left + 1)):
        weight = (1 - abs(x - column)) * (1 - abs(y - row))
        value = value + weight * field[min(max(row, 0), height - 1), min(max(column, 0), width - 1)]
    return value


def lai_mask_and_error(
    one: np.ndarray, other: np.ndarray, flow: np.ndarray, back: np.ndarray
) -> tuple[np.ndarray, float]:
    """Lai et al. 2018, pixel by pixel."""
    height, width = flow.shape[:2]
    mask = np.zeros((height, width), bool)
    total = 0.0
    for row in range(height):
        for column in range(width):
            f = flow[row, column].astype(np.float64)
            x, y = column + f[0], row + f[1]
            if not (0 <= x <= width - 1 and 0 <= y <= height - 1):
                continue
            b = bilinear(back.astype(np.float64), x, y)
            covered = ((f + b) ** 2).sum() > 0.01 * ((f**2).sum() + (b**2).sum()) + 0.5
            left, right = flow[row, max(column - 1, 0)], flow[row, min(column + 1, width - 1)]
            above, below = flow[max(row - 1, 0), column], flow[min(row + 1, height - 1), column]
            slope = (((right - left) / 2) ** 2).sum() + (((below - above) / 2) ** 2).sum()
            mask[row, column] = not covered and slope <= 0.01 * (f**2).sum() + 0.002
            if mask[row, column]:
                warped = bilinear(other / 255.0, x, y)
                total += ((warped - one[row, column] / 255.0) ** 2).mean()
    return mask, total / mask.sum()


def test_warping_error_is_that_of_lai_et_al(walk: np.ndarray) -> None:
    one, other = (at_rows(frame, 40) for frame in walk[3:5])
    flow, back = Dis().flow(luma(one), luma(other)), Dis().flow(luma(other), luma(one))
    mask, error = lai_mask_and_error(one, other, flow, back)
    known = confirmed(flow, back)
    assert (trackable(flow, known) != mask).mean() < 0.002  # the interpolation is fixed-point
    assert 0.3 < mask.mean() < 1
    assert warping_error(one, other, flow, known) == pytest.approx(error, rel=0.02)


def test_warping_error_has_no_number_where_nothing_can_be_followed(walk: np.ndarray) -> None:
    nowhere = np.zeros(walk.shape[1:3], bool)
    assert warping_error(walk[0], walk[1], np.zeros((*nowhere.shape, 2), np.float32), nowhere) is None


def test_noise_raises_warping_error_by_its_variance(filmed: Film, track: Track) -> None:
    frames = filmed(CameraMove.PAN_LEFT, CameraSpeed.SLOW, num_frames=5)
    noise = np.random.default_rng(0).normal(0, 10, frames.shape)
    noisy = np.clip(frames + noise, 0, 255).astype(np.uint8)
    clean, dirty = (track(WarpingError(), clip)["warping_error"].value or 0 for clip in (frames, noisy))
    # Two frames' noise, of which interpolation takes some away.
    assert dirty - clean == pytest.approx(2 * (10 / 255) ** 2, rel=0.35)


def test_flow_there_and_back_agrees_on_a_pan_and_not_in_noise(filmed: Film) -> None:
    engine = Dis()

    def validity(one: np.ndarray, other: np.ndarray) -> float:
        return flow_validity(confirmed(engine.flow(one, other), engine.flow(other, one)))

    pan = [luma(frame) for frame in filmed(CameraMove.PAN_RIGHT, num_frames=17)[:2]]
    noise = np.random.default_rng(0).integers(0, 256, (2, 160, 240), dtype=np.uint8)
    assert validity(*pan) > 0.93
    assert validity(*noise) < 0.4


def test_even_motion_is_smooth_and_motion_to_and_fro_is_not(filmed: Film, track: Track) -> None:
    def smoothness(frames: np.ndarray) -> float | None:
        return track(MotionSmoothness(), frames)["motion_smoothness"].value

    pan = filmed(CameraMove.PAN_RIGHT, CameraSpeed.FAST, num_frames=17)
    assert (smoothness(pan) or 0) > 0.9
    assert (smoothness(pan[[0, 1, 0, 1, 0, 1]]) or 0) < 0.1
    assert smoothness(pan[[0, 0, 0, 0]]) is None


def test_jerk_is_the_length_of_the_change(filmed: Film) -> None:
    flow = np.zeros((20, 30, 2), np.float32)
    flow[..., 0] = 3.0
    following = flow.copy()
    following[..., 1] = 4.0
    assert jerk(flow, following) == pytest.approx((4.0, 3.0 + 5.0))


def test_dynamic_degree_follows_vbench_rule() -> None:
    # 720x480 and 49 frames at 8 a second: 12 of 48 steps above 11.25 pixels.
    above, below = 11.3, 11.2
    for fast, dynamic in ((12, 1.0), (11, 0.0)):
        speeds = [above] * fast + [below] * (48 - fast)
        assert dynamic_degree(speeds, Fraction(8), 480, 720) == dynamic
    # A portrait clip is judged by its width, and one at 16 frames per second by half the speed.
    assert dynamic_degree([11.25 * 480 / 720 + 0.1] * 48, Fraction(8), 720, 480) == 1.0
    assert dynamic_degree([above / 2] * 96, Fraction(16), 480, 720) == 1.0
    assert dynamic_degree([0.0], Fraction(8), 480, 720) == 0.0


def test_fastest_is_the_mean_of_the_top_twentieth() -> None:
    speeds = np.random.default_rng(0).permutation(1000).astype(np.float32).reshape(20, 50)
    assert fastest(speeds) == pytest.approx(np.mean(np.arange(950, 1000)))

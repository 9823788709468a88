"""Sharpness, contrast, brightness, flicker and PSNR on pictures whose answer is known."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest
from skimage.color import rgb2lab, rgb2xyz

from reelops.metrics.light.brightness import brightness
from reelops.metrics.light.colour_drift import ColourDrift, tint
from reelops.metrics.light.contrast import contrast
from reelops.metrics.light.detail_drift import Detail, detail_drift
from reelops.metrics.light.exposure_drift import ExposureDrift, luminance
from reelops.metrics.light.flicker import flicker, light_step
from reelops.metrics.light.sharpness import sharpness
from reelops.metrics.reference.first_frame_fidelity import first_frame_fidelity
from reelops.metrics.reference.psnr import HIGHEST_DB, psnr
from reelops.metrics.tracker import Measure
from reelops.metrics.view import Pulled, View
from reelops.optical_flow.working_size import luma


def steps_of(clip: list[np.ndarray]) -> list[float]:
    """Steps of light where nothing moves."""
    inside = np.ones((160, 240), bool)
    return [light_step(one, Pulled(other.astype(np.float32), inside)) for one, other in itertools.pairwise(clip)]


def even(level: int) -> np.ndarray:
    return np.full((160, 240), level, np.uint8)


def test_brightness_runs_from_black_to_white() -> None:
    assert [brightness(even(level)) for level in (0, 51, 255)] == pytest.approx([0, 0.2, 1])


def test_contrast_is_half_for_half_black_half_white() -> None:
    halves = even(0)
    halves[:, 120:] = 255
    assert contrast(halves) == pytest.approx(0.5)
    assert contrast(even(90)) == 0


def test_blur_lowers_sharpness_step_by_step(photo: np.ndarray) -> None:
    values = [sharpness(luma(cv2.GaussianBlur(photo, (0, 0), sigma))) for sigma in (0.3, 2, 4, 8)]
    assert values == sorted(values, reverse=True)
    assert sharpness(even(90)) == 0


def drift_of(frames: list[np.ndarray]) -> float | None:
    tracker = Detail()
    for frame in frames:
        tracker.see(View(np.clip(np.rint(frame), 0, 255).astype(np.uint8)), None)
    return tracker.measures()["detail_drift"].value


def test_drift_counts_how_often_detail_doubles_or_halves() -> None:
    assert detail_drift([8.0] * 3 + [3.0] * 14 + [2.0] * 3) == pytest.approx(2)
    assert detail_drift([2.0] * 3 + [9.0] * 14 + [8.0] * 3) == pytest.approx(2)
    assert detail_drift([5.0, 5.0]) == 0


def test_a_picture_that_blurs_or_grows_noisy_drifts_and_one_that_fades_does_not(photo: np.ndarray) -> None:
    rng, small = np.random.default_rng(0), cv2.resize(photo, (240, 160), interpolation=cv2.INTER_AREA)
    blurring = drift_of([cv2.GaussianBlur(small, (0, 0), 0.1 + number / 4) for number in range(14)])
    growing = drift_of([small + rng.normal(0, 3 * number, small.shape) for number in range(14)])
    fading = drift_of([small * (1 - number / 16) for number in range(14)])
    assert blurring is not None and blurring > 2.5
    assert growing is not None and growing > 2.5
    assert fading is not None and fading < 0.5
    assert drift_of([np.full((160, 240, 3), 90.0)] * 4) is None


def followed(tracker: ColourDrift | ExposureDrift, frames: list[np.ndarray]) -> Measure:
    for frame in frames:
        tracker.see(View(np.clip(np.rint(frame), 0, 255).astype(np.uint8)), None)
    (measure,) = tracker.measures().values()
    return measure


def tint_drift_of(frames: list[np.ndarray]) -> Measure:
    return followed(ColourDrift(), frames)


def test_the_tint_is_that_of_an_independent_conversion(photo: np.ndarray) -> None:
    _, a, b = rgb2lab(photo.reshape(-1, 3).mean(axis=0, keepdims=True)[None] / 255)[0, 0]
    assert tint(photo) == pytest.approx((a, b), abs=0.05)
    assert tint(np.full((16, 24, 3), 90, np.uint8)) == pytest.approx((0, 0), abs=0.01)


def test_a_tint_that_comes_over_the_clip_drifts_and_light_that_fades_hardly_does(photo: np.ndarray) -> None:
    small = cv2.resize(photo, (240, 160), interpolation=cv2.INTER_AREA)
    gold = [small * (1 - number / 20 * np.array([0, 0.1, 0.6])) for number in range(21)]
    measure = tint_drift_of(gold)
    assert measure.value is not None and measure.value > 15
    assert measure.series is not None and len(measure.series) == 21
    assert measure.series[1] < 1 and list(measure.series[3:]) == sorted(measure.series[3:])
    darker = tint_drift_of([small * (1 - number / 80) for number in range(21)]).value
    assert darker is not None and darker < measure.value / 5
    assert tint_drift_of([small] * 5).value == 0


def exposure_drift_of(frames: list[np.ndarray]) -> Measure:
    return followed(ExposureDrift(), frames)


def card(level: int) -> np.ndarray:
    return np.full((16, 24, 3), level, np.uint8)


def test_luminance_is_that_of_an_independent_conversion(photo: np.ndarray) -> None:
    assert luminance(photo) == pytest.approx(rgb2xyz(photo)[..., 1].mean(), rel=1e-3)
    assert luminance(card(255)) == pytest.approx(1, abs=1e-6)
    assert luminance(card(0)) == pytest.approx(luminance(card(1))) and luminance(card(0)) > 0


def test_light_that_goes_down_is_told_in_stops(photo: np.ndarray) -> None:
    small = cv2.resize(photo, (240, 160), interpolation=cv2.INTER_AREA)
    half = 0.5 ** (1 / 2.2)  # of a byte: about half of the light
    assert exposure_drift_of([small] * 4 + [small * half] * 4).value == pytest.approx(-1, abs=0.1)
    assert exposure_drift_of([small * half] * 4 + [small] * 4).value == pytest.approx(1, abs=0.1)
    assert exposure_drift_of([card(255)] + [card(0)] * 6).value == pytest.approx(-11.7, abs=0.1)
    back = exposure_drift_of([small] * 3 + [small * half] * 14 + [small] * 3)
    assert back.value == 0 and back.series is not None and min(back.series) < -0.9


def test_black_to_white_flickers_by_one() -> None:
    clip = [even(255 * (number % 2)) for number in range(6)]
    assert flicker(steps_of(clip)) == 1


def test_a_fade_does_not_flicker() -> None:
    clip = [even(round(100 * 1.1**number)) for number in range(8)]
    assert flicker(steps_of(clip)) < 0.005


def test_ten_percent_up_and_down_flickers_by_about_its_relative_size() -> None:
    clip = [even(90 if number % 2 else 110) for number in range(8)]
    steps = steps_of(clip)
    assert flicker(steps) == pytest.approx(20 / 110)


def test_flicker_takes_three_frames() -> None:
    assert flicker([0.1]) is None


def test_psnr_follows_its_formula() -> None:
    one = np.zeros((4, 4, 3), np.uint8)
    assert psnr(one, one + 16) == pytest.approx(20 * np.log10(255 / 16))
    assert psnr(one, one) == HIGHEST_DB


def test_psnr_looks_only_where_it_is_told() -> None:
    one = np.zeros((2, 2, 3), np.uint8)
    other = one.copy()
    other[0] = 255
    where = np.array([[False, False], [True, True]])
    assert psnr(one, other, where) == HIGHEST_DB
    with pytest.raises(ValueError, match="No pixel"):
        psnr(one, other, np.zeros((2, 2), bool))


def test_fidelity_falls_with_the_strength_of_noise(photo: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    small = cv2.resize(photo, (240, 160), interpolation=cv2.INTER_AREA)
    levels = [5, 10, 20]
    noisy = [np.clip(small + rng.normal(0, level, small.shape), 0, 255).astype(np.uint8) for level in levels]
    values = [first_frame_fidelity(frame, small) for frame in noisy]
    assert values == pytest.approx([20 * np.log10(255 / level) for level in levels], abs=0.6)

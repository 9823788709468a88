"""Colour, noise, blocks and black, against slow formulas and known answers."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from reelops.metrics.light.black_frames import black_share, dark_share
from reelops.metrics.light.blockiness import blockiness, found_blocks
from reelops.metrics.light.colourfulness import colourfulness
from reelops.metrics.light.noise_level import noise_level
from reelops.optical_flow.working_size import luma


@pytest.fixture(scope="module")
def small_photo(photo: np.ndarray) -> np.ndarray:
    return cv2.resize(photo, (360, 240), interpolation=cv2.INTER_AREA)


def squeezed(frame: np.ndarray, quality: int) -> np.ndarray:
    _, data = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.imdecode(data, cv2.IMREAD_COLOR)


def test_colourfulness_is_m3_of_hasler_and_suesstrunk(small_photo: np.ndarray) -> None:
    pixels = small_photo.reshape(-1, 3).tolist()
    rg = [red - green for red, green, _ in pixels]
    yb = [(red + green) / 2 - blue for red, green, blue in pixels]
    means = [sum(values) / len(values) for values in (rg, yb)]
    variances = [
        sum((value - mean) ** 2 for value in values) / len(values) for values, mean in zip((rg, yb), means, strict=True)
    ]
    expected = sum(variances) ** 0.5 + 0.3 * sum(mean**2 for mean in means) ** 0.5
    assert colourfulness(small_photo) == pytest.approx(expected, rel=1e-5)
    assert colourfulness(np.repeat(luma(small_photo)[..., None], 3, axis=2)) == 0


def test_noise_level_is_immerkaers_sum_over_pixels() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (12, 15), dtype=np.uint8).astype(int)
    kernel = [[1, -2, 1], [-2, 4, -2], [1, -2, 1]]
    total = 0
    for row in range(1, 11):
        for column in range(1, 14):
            total += abs(sum(kernel[i][j] * picture[row + i - 1, column + j - 1] for i in range(3) for j in range(3)))
    expected = (np.pi / 2) ** 0.5 * total / (6 * (15 - 2) * (12 - 2))
    assert noise_level(picture.astype(np.uint8)) == pytest.approx(expected)


@pytest.mark.parametrize("sigma", [3, 8, 20])
def test_noise_of_known_sigma_is_recovered_over_a_slope(sigma: float) -> None:
    slope = np.linspace(80, 170, 240)[None, :].repeat(160, axis=0)
    noisy = slope + np.random.default_rng(0).normal(0, sigma, slope.shape)
    assert noise_level(np.clip(np.rint(noisy), 0, 255).astype(np.uint8)) == pytest.approx(sigma, rel=0.05)


def slow_blockiness(gray: np.ndarray) -> float:
    def surplus(picture: np.ndarray) -> float:
        height, width = picture.shape
        steps = [
            sum(abs(int(picture[row, x + 1]) - int(picture[row, x])) for row in range(height)) / height
            for x in range(width - 1)
        ]
        ratios = [(steps[x] + 0.5) / ((steps[x - 1] + steps[x + 1]) / 2 + 0.5) for x in range(1, len(steps) - 1)]
        best = 1.0
        for period in (8, 16):
            whole = len(ratios) // period
            for phase in range(period):
                of_phase = sorted(ratios[phase + period * number] for number in range(whole))
                if whole >= 4:
                    best = max(best, of_phase[whole // 2])
        return best

    return (surplus(gray) + surplus(gray.T)) / 2


def test_blockiness_is_its_definition_summed_up_slowly(small_photo: np.ndarray) -> None:
    gray = luma(squeezed(small_photo, 10))[:96, :136]
    assert blockiness(gray) == pytest.approx(slow_blockiness(gray), rel=1e-4)


def test_blockiness_grows_as_jpeg_quality_falls_and_is_one_without_blocks(small_photo: np.ndarray) -> None:
    values = [blockiness(luma(squeezed(small_photo, quality))) for quality in (4, 10, 30)]
    assert values == sorted(values, reverse=True) and values[0] > 2.2
    assert blockiness(luma(small_photo)) < 1.2
    assert blockiness(np.full((64, 64), 90, np.uint8)) == 1


def test_blocks_are_found_in_a_cropped_and_in_a_pixelated_picture(small_photo: np.ndarray) -> None:
    assert blockiness(luma(squeezed(small_photo, 4)[3:, 5:])) > 2.2
    coarse = cv2.resize(small_photo, (45, 30), interpolation=cv2.INTER_AREA)
    assert blockiness(luma(cv2.resize(coarse, (360, 240), interpolation=cv2.INTER_NEAREST))) > 2.2


def enlarged(picture: np.ndarray, times: float) -> np.ndarray:
    return cv2.resize(picture, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC)


@pytest.mark.parametrize("times", [1, 1.5, 4 / 3, 2])
def test_the_size_of_blocks_is_found_whatever_it_is(photo: np.ndarray, times: float) -> None:
    coarse = cv2.resize(photo[:480, :720], (60, 40), interpolation=cv2.INTER_AREA)
    mosaic = cv2.resize(coarse, (720, 480), interpolation=cv2.INTER_NEAREST)
    found = found_blocks(luma(enlarged(mosaic, times)))
    assert found is not None and found[0] > 2
    assert found[1] == pytest.approx(12 * times, abs=0.1)


def test_jpeg_blocks_are_found_in_an_enlarged_picture(photo: np.ndarray) -> None:
    larger = luma(enlarged(squeezed(photo, 5), 1.5))
    found = found_blocks(larger)
    assert found is not None and found[0] > 1.5 > blockiness(larger)
    assert found[1] == pytest.approx(12, abs=0.1)


def test_a_picture_without_blocks_has_next_to_no_surplus_at_any_size(photo: np.ndarray) -> None:
    for times in (0.5, 1, 1.5):
        found = found_blocks(luma(enlarged(photo, times)))
        assert found is None or found[0] < 1.3
    assert found_blocks(np.full((64, 64), 90, np.uint8)) is None


def test_a_frame_is_black_where_all_but_two_percent_is_dark() -> None:
    frame = np.full((100, 100), 25, np.uint8)
    frame[:2] = 200
    assert dark_share(frame) == 0.98
    frame[2, 0] = 26
    assert dark_share(frame) < 0.98
    assert black_share([1.0, 0.98, 0.97, 0.0]) == 0.5

"""PSNR, SSIM, MS-SSIM and GMSD against scikit-image and slow formulas, alone and as the suite runs them."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from reelops.camera.moves import CameraMove
from reelops.errors import SettingsError, VideoError
from reelops.metrics.reference.gradient_similarity import gmsd
from reelops.metrics.reference.psnr import psnr
from reelops.metrics.reference.structural_similarity import ms_ssim, ssim
from reelops.metrics.settings import ScoreSettings
from reelops.metrics.suite import score_frames
from reelops.optical_flow.working_size import luma
from reelops.video.encode import encode

skimage = pytest.importorskip("skimage.metrics", reason="scikit-image is what these metrics are compared with")

FAST = ScoreSettings(temporal_engine="dis", temporal_rows=160, temporal_scale=110.0)
EIGHT = Fraction(8)


@pytest.fixture(scope="module")
def pair(photo: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A photograph, and itself blurred and noisy: RGB, 288x192."""
    one = cv2.resize(photo, (288, 192), interpolation=cv2.INTER_AREA)
    noise = np.random.default_rng(0).normal(0, 6, one.shape)
    return one, np.clip(cv2.GaussianBlur(one, (0, 0), 1.2) + noise, 0, 255).astype(np.uint8)


def test_psnr_and_ssim_are_those_of_scikit_image(pair: tuple[np.ndarray, np.ndarray]) -> None:
    assert psnr(*pair) == pytest.approx(skimage.peak_signal_noise_ratio(*pair))
    grays = luma(pair[0]), luma(pair[1])
    theirs = skimage.structural_similarity(
        *grays, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255
    )
    assert ssim(*grays) == pytest.approx(theirs, abs=1e-6)
    assert ssim(grays[0], grays[0]) == pytest.approx(1)


def test_ms_ssim_is_its_formula_computed_slowly(pair: tuple[np.ndarray, np.ndarray]) -> None:
    from scipy.signal import convolve2d

    axis = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    window = np.outer(axis, axis) / axis.sum() ** 2
    one, other = (luma(picture).astype(np.float64) for picture in pair)
    expected = 1.0
    for scale, weight in enumerate([0.0448, 0.2856, 0.3001, 0.2363, 0.1333]):

        def mean(picture: np.ndarray) -> np.ndarray:
            return convolve2d(picture, window, mode="valid")

        c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
        x, y = mean(one), mean(other)
        xx, yy, xy = mean(one * one) - x * x, mean(other * other) - y * y, mean(one * other) - x * y
        structure = (2 * xy + c2) / (xx + yy + c2)
        luminance = (2 * x * y + c1) / (x * x + y * y + c1)
        expected *= (structure if scale < 4 else structure * luminance).mean() ** weight
        one, other = (
            (p[0::2, 0::2] + p[1::2, 0::2] + p[0::2, 1::2] + p[1::2, 1::2]) / 4
            for p in (q[: q.shape[0] // 2 * 2, : q.shape[1] // 2 * 2] for q in (one, other))
        )
    assert ms_ssim(luma(pair[0]), luma(pair[1])) == pytest.approx(expected, abs=1e-6)


def test_gmsd_is_its_formula_computed_slowly(pair: tuple[np.ndarray, np.ndarray]) -> None:
    from scipy.signal import convolve2d

    def gradient(gray: np.ndarray) -> np.ndarray:
        half = convolve2d(gray.astype(np.float64), np.full((2, 2), 0.25), mode="valid")[::2, ::2]
        kernel = np.array([[1, 0, -1]] * 3) / 3
        return np.sqrt(convolve2d(half, kernel, mode="same") ** 2 + convolve2d(half, kernel.T, mode="same") ** 2)

    one, other = (gradient(luma(picture)) for picture in pair)
    similarity = (2 * one * other + 170) / (one**2 + other**2 + 170)
    assert gmsd(luma(pair[0]), luma(pair[1])) == pytest.approx(similarity.std(), abs=1e-6)
    assert gmsd(luma(pair[0]), luma(pair[0])) == 0


@pytest.fixture(scope="module")
def clip_and_reference(
    filmed: Callable[..., np.ndarray], tmp_path_factory: pytest.TempPathFactory
) -> tuple[np.ndarray, Path]:
    """Frames, and a file of the same frames written in lower quality."""
    frames = filmed(CameraMove.PAN_LEFT, num_frames=5)
    file = tmp_path_factory.mktemp("reference") / "reference.mp4"
    encode(frames, file, EIGHT, "high")
    return frames, file


def test_a_reference_clip_is_compared_frame_by_frame(clip_and_reference: tuple[np.ndarray, Path]) -> None:
    frames, reference = clip_and_reference
    scores = score_frames(frames, EIGHT, None, None, FAST, reference=reference)
    assert (scores["psnr"] or 0) > 30 and 0.9 < (scores["ssim"] or 0) < 1 and 0 < (scores["gmsd"] or 0) < 0.1
    assert len(scores.measures["ssim"].series or ()) == 5
    asked = score_frames(frames, EIGHT, None, None, FAST, reference=reference, also=["ms_ssim"])
    assert asked["ms_ssim"] is None and "176 pixels" in (asked.measures["ms_ssim"].reason or "")


def test_a_reference_picture_is_compared_with_the_first_frame(
    clip_and_reference: tuple[np.ndarray, Path], tmp_path: Path
) -> None:
    frames, _ = clip_and_reference
    Image.fromarray(frames[0]).save(tmp_path / "first.png")
    scores = score_frames(frames, EIGHT, None, None, FAST, reference=tmp_path / "first.png")
    assert scores["psnr"] == 100 and scores["ssim"] == pytest.approx(1) and scores["gmsd"] == 0
    assert len(scores.measures["psnr"].series or ()) == 1


def test_a_reference_of_another_length_or_size_is_refused(clip_and_reference: tuple[np.ndarray, Path]) -> None:
    frames, reference = clip_and_reference
    with pytest.raises(VideoError, match="more frames than the clip's 3"):
        score_frames(frames[:3], EIGHT, None, None, FAST, reference=reference)
    with pytest.raises(VideoError, match="only 5 frames"):
        score_frames(np.concatenate([frames, frames]), EIGHT, None, None, FAST, reference=reference)
    with pytest.raises(VideoError, match="is 240x160, the clip 120x80"):
        score_frames(frames[:, ::2, ::2], EIGHT, None, None, FAST, reference=reference)


def test_metrics_that_do_not_exist_cannot_be_asked_for(clip_and_reference: tuple[np.ndarray, Path]) -> None:
    with pytest.raises(SettingsError, match=r"no metric 'beauty'.*psnr"):
        score_frames(clip_and_reference[0], EIGHT, None, None, FAST, also=["beauty"])

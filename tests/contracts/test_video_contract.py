"""One suite over every encoder profile: a new one is added to ENCODER_PROFILES and must pass all of it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from reelops.clip import ClipFormat
from reelops.system.digest import sha256_of
from reelops.video.decode import read_clip
from reelops.video.encode import ENCODER_PROFILES, encode
from reelops.video.probe import probe

# Each would come out as another number, were it rounded or put through a float or a millisecond clock.
RATES = [
    Fraction(8),
    Fraction(30000, 1001),
    Fraction(24000, 1001),
    Fraction(1454080, 72773),
    Fraction(45000, 1499),
    Fraction(179, 6),
    Fraction(1, 3),
]
LEAST_PSNR_DB = {"high": 38, "medium": 35, "low": 31, "fast": 34, "lossless": np.inf}

every_profile = pytest.mark.parametrize("profile", ENCODER_PROFILES)


def moving_frames(count: int = 9, width: int = 96, height: int = 64) -> np.ndarray:
    """A soft coloured pattern that drifts: easy to encode, as camera moves are."""
    y, x = np.mgrid[:height, :width]
    drift = 2.0 * np.arange(count)[:, None, None]
    waves = [np.sin((x + drift) / 9) * np.cos(y / 7), np.sin((x + y + drift) / 11), np.cos((y - x - drift) / 13)]
    return np.stack([127 + 90 * wave for wave in waves], axis=-1).astype(np.uint8)


def psnr_db(a: np.ndarray, b: np.ndarray) -> float:
    error = np.mean((a.astype(float) - b.astype(float)) ** 2)
    return float("inf") if error == 0 else float(10 * np.log10(255**2 / error))


@every_profile
def test_clip_describes_the_file(profile: str, tmp_path: Path) -> None:
    clip = encode(moving_frames(), tmp_path / "clip.mp4", Fraction(8), profile, {"seed": 7})
    info = probe(clip.path)
    assert clip.format == info.format == ClipFormat(9, Fraction(8), 96, 64)
    assert clip.sha256 == sha256_of(clip.path)
    assert info.provenance == {"seed": 7}
    assert info.damage is None


@every_profile
def test_pictures_survive(profile: str, tmp_path: Path) -> None:
    frames = moving_frames()
    decoded = read_clip(encode(frames, tmp_path / "clip.mp4", Fraction(8), profile).path)
    assert psnr_db(decoded, frames) >= LEAST_PSNR_DB[profile]


@every_profile
def test_colours_do_not_shift(profile: str, tmp_path: Path) -> None:
    """A wrong matrix or range moves flat colours by ten and more."""
    for colour in [(255, 0, 0), (0, 255, 0), (0, 0, 255), (200, 40, 90), (128, 128, 128), (0, 0, 0), (255, 255, 255)]:
        frames = np.full((2, 32, 32, 3), colour, np.uint8)
        decoded = read_clip(encode(frames, tmp_path / "clip.mp4", Fraction(8), profile).path)
        assert np.abs(decoded.astype(int) - frames).max() <= 3, colour


@every_profile
@pytest.mark.parametrize("fps", RATES, ids=str)
@pytest.mark.parametrize("count", [1, 3])
def test_rate_survives_exactly(profile: str, fps: Fraction, count: int, tmp_path: Path) -> None:
    clip = encode(moving_frames(count, 32, 32), tmp_path / "clip.mp4", fps, profile)
    info = probe(clip.path)
    assert info.fps == fps
    assert info.num_frames == count
    assert not info.variable_rate
    assert info.duration == count / fps


@every_profile
def test_same_frames_give_the_same_bytes(profile: str, tmp_path: Path) -> None:
    digests = {
        encode(moving_frames(), tmp_path / f"{name}.mp4", Fraction(8), profile, {"seed": 1}).sha256 for name in "ab"
    }
    assert len(digests) == 1


@every_profile
@pytest.mark.parametrize(("width", "height"), [(95, 64), (96, 63), (33, 17)])
def test_odd_sizes_are_kept_or_padded_aloud(profile: str, width: int, height: int, tmp_path: Path) -> None:
    frames = moving_frames(3, width, height)
    clip = encode(frames, tmp_path / "clip.mp4", Fraction(8), profile)
    decoded = read_clip(clip.path)
    if ENCODER_PROFILES[profile].lossless:
        assert np.array_equal(decoded, frames)
        assert clip.notes == ()
    else:
        assert (clip.format.width, clip.format.height) == (width + width % 2, height + height % 2)
        assert f"padded from {width}x{height}" in clip.notes[0]
        assert psnr_db(decoded[:, :height, :width], frames) > LEAST_PSNR_DB[profile] - 3


def test_better_profiles_are_closer_to_the_frames(tmp_path: Path) -> None:
    frames = moving_frames()

    def quality(profile: str) -> float:
        return psnr_db(read_clip(encode(frames, tmp_path / "clip.mp4", Fraction(8), profile).path), frames)

    assert quality("low") < quality("medium") < quality("high") < quality("lossless")


@every_profile
def test_colour_tags_say_what_was_written(profile: str, tmp_path: Path) -> None:
    import av

    clip = encode(moving_frames(2), tmp_path / "clip.mp4", Fraction(8), profile)
    with av.open(str(clip.path)) as container:
        context = container.streams.video[0].codec_context
        tags = (context.color_primaries, context.color_trc, context.colorspace, context.color_range)
    # BT.709 throughout (ITU-T H.273: 1), limited range; RGB has no matrix (0) and is of full range (2).
    assert tags == ((1, 1, 0, 2) if ENCODER_PROFILES[profile].lossless else (1, 1, 1, 1))

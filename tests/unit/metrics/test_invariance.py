"""Scores are those of the picture: what does not change that changes no score, or next to none."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange, Colorspace
from real_media import media

from reelops.metrics.catalogue import METRICS
from reelops.metrics.environment import environment
from reelops.metrics.scores import Scores
from reelops.metrics.settings import ScoreSettings
from reelops.metrics.suite import score_clip
from reelops.video.decode import read_clip

FAST = ScoreSettings(temporal_engine="dis", temporal_rows=160, temporal_scale=110.0)
MATRICES = {"bt709": Colorspace.ITU709, "bt601": Colorspace.SMPTE170M}
# 8-bit colours go through another matrix or range and back: half a grey level here and there.
ROUNDED = 0.03
HALF_A_LEVEL = {"grey levels": 0.5, "dB": 0.5, "doublings": 0.05, "px at 480 rows": 0.3, "px": 0.05, "a*b*": 0.5}


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    return read_clip(media("cogvideox-generated-1.mp4"), size=(240, 160))[:26]


def written(
    frames: np.ndarray,
    path: Path,
    codec: str = "libx264",
    options: Mapping[str, str] | None = None,
    matrix: Colorspace = Colorspace.ITU709,
    span: ColorRange = ColorRange.MPEG,
    fps: int = 8,
    sound: bool = False,
) -> Path:
    """A file whose pictures lose nothing but what 8-bit 4:4:4 cannot hold."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps, options=dict(options or {"qp": "0"}))
        stream.width, stream.height, stream.pix_fmt = 240, 160, "yuv444p"
        stream.codec_context.colorspace, stream.codec_context.color_range = matrix, span
        audio = container.add_stream("pcm_s16le", rate=8000, layout="mono") if sound else None
        for frame in frames:
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
            picture = picture.reformat(
                format="yuv444p", dst_colorspace=matrix, src_color_range=ColorRange.JPEG, dst_color_range=span
            )
            picture.colorspace, picture.color_range = matrix, span
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
        if audio is not None:
            noise = np.random.default_rng(0).integers(-9999, 9999, (1, 8000), dtype=np.int16)
            heard = av.AudioFrame.from_ndarray(noise, format="s16", layout="mono")
            heard.sample_rate = 8000
            container.mux([*audio.encode(heard), *audio.encode()])
    return path


@pytest.fixture(scope="module")
def plain(frames: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Scores:
    return score_clip(written(frames, tmp_path_factory.mktemp("plain") / "plain.mp4"), None, None, FAST)


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("container.mkv", {}),
        ("container.mov", {}),
        ("codec.mkv", {"codec": "ffv1", "options": {"level": "3"}}),
        ("sound.mov", {"sound": True}),
        ("other-groups.mp4", {"options": {"qp": "0", "g": "3", "bf": "0"}}),
    ],
)
def test_container_lossless_codec_and_sound_change_nothing(
    frames: np.ndarray, plain: Scores, tmp_path: Path, name: str, how: dict
) -> None:
    assert dict(score_clip(written(frames, tmp_path / name, **how), None, None, FAST)) == dict(plain)


@pytest.mark.parametrize(("matrix", "span"), [("bt601", "MPEG"), ("bt709", "JPEG"), ("bt601", "JPEG")])
def test_tags_of_matrix_and_range_change_next_to_nothing(
    frames: np.ndarray, plain: Scores, tmp_path: Path, matrix: str, span: str
) -> None:
    clip = written(frames, tmp_path / "tagged.mp4", matrix=MATRICES[matrix], span=ColorRange[span])
    found = score_clip(clip, None, None, FAST)
    for name, value in plain.items():
        if value is not None and found[name] is not None:
            allowed = ROUNDED * max(abs(value), 0.2) + HALF_A_LEVEL.get(METRICS[name].unit, 0)
            assert abs((found[name] or 0) - value) <= allowed + (0.1 if name == "naturalness" else 0), name


@pytest.mark.parametrize("times", [2, 3])
def test_a_rate_filled_up_by_repeats_changes_nothing_but_what_it_says(
    frames: np.ndarray, plain: Scores, tmp_path: Path, times: int
) -> None:
    clip = written(np.repeat(frames, times, axis=0), tmp_path / "fast.mp4", fps=8 * times)
    found = score_clip(clip, None, None, FAST)
    filled = ("duplicated_share",)
    assert {name: value for name, value in found.items() if name not in filled} == {
        name: value for name, value in plain.items() if name not in filled
    }
    assert found.own_frames is not None


def test_scores_say_what_they_were_measured_with(plain: Scores) -> None:
    told = plain.to_json()["environment"]
    assert told == dict(environment()) and len(told["fingerprint"]) == 12
    assert {"metrics", "naturalness", "numpy", "opencv", "ffmpeg", "machine"} <= told.keys()
    assert Fraction(plain.format.fps) == 8

"""What `probe` says of whole and of broken files."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from real_media import VIDEO, media

from reelops.errors import VideoError
from reelops.video.encode import encode
from reelops.video.probe import probe
from tests.unit.video.media import (
    noise_frames,
    numbered_frames,
    write_sound,
    write_turned,
    write_with_times,
    write_without_frames,
)

# From the containers' own tables, read with another tool than ours.
REAL_RATES = {
    "intel-person-upright.mp4": Fraction(10000, 1001),
    "intel-bottle-detection.mp4": Fraction(179, 6),
    "intel-cars-cut.mp4": Fraction(25, 2),
    "intel-asl-again.mkv": Fraction(30),
    "cogvideox-generated-1.mp4": Fraction(8),
}
FURTHER_RATES = {
    "cotracker-teddy.mp4": Fraction(1454080, 72773),
    "imageio-realshort.mp4": Fraction(45000, 1499),
}


@pytest.mark.parametrize("name", REAL_RATES)
def test_rate_of_a_real_clip_is_exact(name: str) -> None:
    assert probe(media(name)).fps == REAL_RATES[name]


def test_rates_that_no_standard_knows_are_exact(more_media: Path) -> None:
    assert {name: probe(more_media / "video" / name).fps for name in FURTHER_RATES} == FURTHER_RATES


def check_whole(path: Path) -> None:
    info = probe(path)
    assert info.damage is None, path
    assert not info.variable_rate, path
    assert info.duration == info.num_frames / info.fps


def test_every_real_clip_is_read_and_is_whole() -> None:
    for path in sorted(VIDEO.iterdir()):
        check_whole(path)


def test_every_further_clip_is_read_and_is_whole(more_media: Path) -> None:
    for path in sorted((more_media / "video").iterdir()):
        check_whole(path)


@pytest.mark.parametrize(("name", "frames"), [("intel-asl-again.mkv", 77), ("intel-asl-book.mkv", 109)])
def test_frames_are_counted_where_the_container_states_none(name: str, frames: int) -> None:
    assert probe(media(name)).num_frames == frames


def test_frames_that_an_edit_list_hides_do_not_count() -> None:
    """The container holds 84; OpenCV's FFmpeg shows 83."""
    path = media("intel-person-upright.mp4")
    shown, count = cv2.VideoCapture(str(path)), 0
    while shown.read()[0]:
        count += 1
    assert probe(path).num_frames == count == 83


def test_frames_that_an_edit_list_hides_at_the_end_do_not_count(more_media: Path) -> None:
    """The container holds 142; FFmpeg shows 141."""
    assert probe(more_media / "video" / "cotracker-teddy.mp4").num_frames == 141


def test_portrait_clips_are_portrait() -> None:
    info = probe(media("intel-person-upright.mp4"))
    assert (info.width, info.height) == (288, 432)


def test_further_portrait_clips_are_portrait(more_media: Path) -> None:
    for name in ("cotracker-cat.mp4", "cotracker-teddy.mp4", "musetalk-yongen.mp4"):
        info = probe(more_media / "video" / name)
        assert info.height > info.width


def test_sound_is_found() -> None:
    audio = probe(media("intel-cars-cut.mp4")).audio
    assert audio is not None
    assert (audio.codec, audio.sample_rate, audio.channels) == ("aac", 48000, 2)


@pytest.mark.parametrize(
    ("name", "codec", "rate"), [("imageio-cockatoo.mp4", "mp3", 16000), ("imageio-realshort.mp4", "aac", 48000)]
)
def test_sound_on_one_channel_is_found(more_media: Path, name: str, codec: str, rate: int) -> None:
    audio = probe(more_media / "video" / name).audio
    assert audio is not None
    assert (audio.codec, audio.sample_rate, audio.channels) == (codec, rate, 1)


def test_silent_clip_has_no_sound_rather_than_an_empty_one() -> None:
    assert probe(media("intel-person-upright.mp4")).audio is None


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_uneven_times_are_a_variable_rate_with_an_exact_average(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"uneven{suffix}"
    write_with_times(path, numbered_frames(5), [0, 100, 300, 350, 800], Fraction(1, 1000))
    info = probe(path)
    assert info.variable_rate
    assert info.num_frames == 5
    span = Fraction(800, 1000)
    # MP4 counts the last frame's own duration in; Matroska leaves only the gaps between five frames.
    assert info.fps == 4 / span if suffix == ".mkv" else 4 < info.fps < 6.25


@pytest.mark.parametrize("degrees", [0, 90, 180, -90])
def test_turned_video_reports_the_shown_size(tmp_path: Path, degrees: int) -> None:
    path = tmp_path / "turned.mp4"
    write_turned(path, noise_frames(3, 64, 48), degrees)
    info = probe(path)
    assert info.rotation == degrees % 360
    assert (info.width, info.height) == ((48, 64) if degrees % 180 else (64, 48))


def test_clip_of_one_frame_keeps_its_rate(tmp_path: Path) -> None:
    clip = encode(noise_frames(1), tmp_path / "one.mp4", Fraction(30000, 1001))
    info = probe(clip.path)
    assert (info.num_frames, info.fps, info.variable_rate) == (1, Fraction(30000, 1001), False)


def whole_clip(folder: Path) -> bytes:
    return encode(noise_frames(20), folder / "whole.mp4", Fraction(10)).path.read_bytes()


def broken_file(kind: str, folder: Path) -> Path:
    path = folder / "clip.mp4"
    if kind == "folder":
        path.mkdir()
    elif kind == "empty":
        path.touch()
    elif kind == "text":
        path.write_text("not a video\n" * 100)
    elif kind == "zeros":
        path.write_bytes(bytes(10_000))
    elif kind == "picture":
        from PIL import Image

        Image.fromarray(noise_frames(1)[0]).save(path, "PNG")
    elif kind == "script":
        path = folder / "notes.txt"
        path.write_text("\x1b[31mred\x1b[0m\n" * 50)
    elif kind == "playlist":
        path.write_text("ffconcat version 1.0\nfile /etc/hostname\n")
    elif kind == "no frames":
        write_without_frames(path)
    elif kind == "sound":
        write_sound(folder / "sound.wav")
        path = folder / "sound.wav"
    elif kind == "sound in mp4":
        write_sound(path, "aac")
    elif kind == "cut in its header":
        path.write_bytes(whole_clip(folder)[:40])
    elif kind == "cut in its index":
        path.write_bytes(whole_clip(folder)[:300])
    return path


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("missing", "does not exist"),
        ("folder", "is a folder"),
        ("empty", "is empty (0 bytes)"),
        ("text", "is not a video"),
        ("zeros", "is not a video"),
        ("picture", "is a still picture"),
        ("script", "is not a video"),
        ("playlist", "is not a video"),
        ("no frames", "without a single frame"),
        ("sound", "only sound"),
        ("sound in mp4", "only sound"),
        ("cut in its header", "cut short"),
        ("cut in its index", "cut short"),
    ],
)
def test_broken_file_gets_one_line_with_its_name_and_the_reason(tmp_path: Path, kind: str, reason: str) -> None:
    path = broken_file(kind, tmp_path)
    with pytest.raises(VideoError) as caught:
        probe(path)
    message = str(caught.value)
    assert str(path) in message
    assert reason in message
    assert "\n" not in message


def test_file_cut_after_its_index_is_read_but_called_damaged(tmp_path: Path) -> None:
    path = tmp_path / "cut.mp4"
    whole = whole_clip(tmp_path)
    path.write_bytes(whole[: len(whole) * 2 // 3])
    info = probe(path)
    assert info.damage is not None
    assert "cut short" in info.damage
    assert 0 < info.num_frames < 20


def test_cut_matroska_is_called_damaged(tmp_path: Path) -> None:
    path = tmp_path / "cut.mkv"
    whole = media("intel-asl-again.mkv").read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert "cut short" in (probe(path).damage or "")


def test_real_clip_cut_anywhere_is_never_taken_for_whole(tmp_path: Path) -> None:
    """This file has its index at the end, so it does not open until that is nearly all there."""
    whole = media("cogvideo-example-horse.mp4").read_bytes()
    for length in np.linspace(20, len(whole) - 1, 9).astype(int):
        path = tmp_path / "cut.mp4"
        path.write_bytes(whole[:length])
        try:
            assert probe(path).damage is not None, length
        except VideoError as error:
            assert "cut short" in str(error), length

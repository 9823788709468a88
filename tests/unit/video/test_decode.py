"""Frames come upright, at exact times, in true colours, and in memory that does not grow."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from real_media import media

from reelops.errors import VideoError
from reelops.video.decode import read_clip, read_frames
from reelops.video.encode import encode
from reelops.video.probe import probe
from tests.unit.video.media import (
    noise_frames,
    number_in,
    numbered_frames,
    write_turned,
    write_unannounced_key_frames,
    write_with_times,
)


@pytest.fixture(scope="module")
def ten_seconds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """300 frames at 30 a second; frame i is marked with i mod 50."""
    frames = (numbered_frames(50, 32, 32)[number % 50] for number in range(300))
    return encode(frames, tmp_path_factory.mktemp("clips") / "ten.mp4", Fraction(30), "lossless").path


def test_300_frames_at_30_sampled_to_8_give_a_true_8(ten_seconds: Path) -> None:
    sampled = list(read_frames(ten_seconds, fps=Fraction(8)))
    assert len(sampled) == 80
    assert [shown.time for shown in sampled] == [Fraction(tick, 8) for tick in range(80)]
    # The frame at or before second k / 8 of a 30 fps clip is floor(30 k / 8); every fourth frame would be 7.5 fps.
    assert [shown.number for shown in sampled] == [30 * tick // 8 for tick in range(80)]
    assert all(number_in(shown.frame_HWC) == shown.number % 50 for shown in sampled)


def test_sampling_at_more_than_the_clips_rate_repeats_frames(ten_seconds: Path) -> None:
    sampled = list(read_frames(ten_seconds, fps=Fraction(60000, 1001), stop=Fraction(1)))
    assert [shown.number for shown in sampled] == [30 * 1001 * tick // 60000 for tick in range(60)]


def test_start_and_stop_give_the_same_frames_as_reading_all(ten_seconds: Path) -> None:
    all_frames = list(read_frames(ten_seconds))
    part = list(read_frames(ten_seconds, start=Fraction(7), stop=Fraction(8)))
    assert [shown.number for shown in part] == list(range(210, 240))
    assert [shown.time for shown in part] == [Fraction(number, 30) for number in range(210, 240)]
    for shown in part:
        assert np.array_equal(shown.frame_HWC, all_frames[shown.number].frame_HWC)


def test_times_are_exact_fractions_even_in_a_millisecond_container() -> None:
    shown = list(read_frames(media("intel-asl-milk.mkv"), size=(32, 24)))
    assert [one.time for one in shown] == [Fraction(number, 30) for number in range(51)]


def test_sampling_a_real_clip_at_its_own_rate_gives_each_frame_once() -> None:
    for name in ("cogvideox-generated-4.mp4", "intel-asl-milk.mkv", "intel-person-upright.mp4"):
        path = media(name)
        info = probe(path)
        numbers = [shown.number for shown in read_frames(path, size=(32, 24), fps=info.fps)]
        assert numbers == list(range(info.num_frames)), name


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_uneven_times_are_kept_and_sampled_by_time(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"uneven{suffix}"
    write_with_times(path, numbered_frames(5), [0, 100, 300, 350, 800], Fraction(1, 1000))
    assert [shown.time * 1000 for shown in read_frames(path)] == [0, 100, 300, 350, 800]
    sampled = list(read_frames(path, fps=Fraction(10), stop=Fraction(9, 10)))[:9]
    assert [shown.number for shown in sampled] == [0, 1, 1, 2, 3, 3, 3, 3, 4][: len(sampled)]
    assert [number_in(shown.frame_HWC) for shown in sampled] == [shown.number for shown in sampled]


@pytest.mark.parametrize("degrees", [90, 180, -90])
def test_turned_video_comes_upright(tmp_path: Path, degrees: int) -> None:
    path = tmp_path / "turned.mp4"
    stored = np.full((2, 48, 64, 3), 40, np.uint8)
    stored[:, :24, :32] = 220
    write_turned(path, stored, degrees)
    expected = np.rot90(stored[0], degrees // 90)
    assert np.abs(read_clip(path)[0].astype(int) - expected).mean() < 4


def test_mirrored_video_is_mirrored_back(tmp_path: Path) -> None:
    path = tmp_path / "mirrored.mp4"
    stored = np.full((2, 48, 64, 3), 40, np.uint8)
    stored[:, :, :20] = 220
    write_turned(path, stored, 0, mirror=True)
    assert np.abs(read_clip(path)[0].astype(int) - stored[0][:, ::-1]).mean() < 4


def test_size_is_that_of_the_shown_picture(tmp_path: Path) -> None:
    path = tmp_path / "turned.mp4"
    write_turned(path, noise_frames(2, 64, 48), 90)
    assert read_clip(path, size=(24, 36)).shape == (2, 36, 24, 3)


def test_pixels_that_are_not_square_are_made_square(tmp_path: Path) -> None:
    path = tmp_path / "wide.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(10))
        stream.width, stream.height, stream.pix_fmt = 72, 48, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)
        container.mux(stream.encode(av.VideoFrame.from_ndarray(noise_frames(1, 72, 48)[0])))
        container.mux(stream.encode(None))
    assert (probe(path).width, probe(path).height) == (96, 48)
    assert read_clip(path).shape == (1, 48, 96, 3)


@pytest.mark.parametrize("matrix", [1, 6])
def test_colours_follow_the_files_own_matrix(tmp_path: Path, matrix: int) -> None:
    """Against the defining equations of BT.709 and BT.601: Y = Kr R + Kg G + Kb B, limited range."""
    red, green, blue = 200, 40, 90
    kr, kb = (0.2126, 0.0722) if matrix == 1 else (0.299, 0.114)
    luma = kr * red + (1 - kr - kb) * green + kb * blue
    cb, cr = (blue - luma) / (2 * (1 - kb)), (red - luma) / (2 * (1 - kr))
    planes = [16 + luma * 219 / 255, 128 + cb * 224 / 255, 128 + cr * 224 / 255]
    yuv = np.concatenate([np.full((32, 32), planes[0]), np.full((8, 32), planes[1]), np.full((8, 32), planes[2])])
    path = tmp_path / "colour.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(10), options={"crf": "1"})
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        stream.codec_context.colorspace, stream.codec_context.color_range = matrix, 1
        frame = av.VideoFrame.from_ndarray(np.round(yuv).astype(np.uint8), format="yuv420p")
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert np.abs(read_clip(path)[0, 16, 16].astype(int) - [red, green, blue]).max() <= 2


def cut_clip(folder: Path) -> Path:
    whole = encode(noise_frames(40), folder / "whole.mp4", Fraction(10)).path.read_bytes()
    (folder / "cut.mp4").write_bytes(whole[: len(whole) * 3 // 5])
    return folder / "cut.mp4"


def test_cut_clip_is_refused_before_its_first_frame(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="cut short"):
        read_frames(cut_clip(tmp_path))


def test_cut_clip_gives_what_there_is_to_who_asks_and_says_so(tmp_path: Path) -> None:
    said: list[str] = []
    frames = list(read_frames(cut_clip(tmp_path), on_damage=said.append))
    assert 5 < len(frames) < 40
    assert "cut short" in said[0]
    assert [shown.number for shown in frames] == list(range(len(frames)))


def corrupt(folder: Path) -> Path:
    content = bytearray(media("cogvideo-example-horse.mp4").read_bytes())
    for position in range(100_000, 140_000, 37):
        content[position] ^= 0x5A
    (folder / "corrupt.mp4").write_bytes(content)
    return folder / "corrupt.mp4"


def test_clip_corrupt_in_the_middle_is_an_error_not_grey_frames(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="is damaged"):
        list(read_frames(corrupt(tmp_path), size=(36, 24)))


def test_clip_corrupt_in_the_middle_is_read_past_the_damage_by_who_asks(tmp_path: Path) -> None:
    said: list[str] = []
    frames = list(read_frames(corrupt(tmp_path), size=(36, 24), on_damage=said.append))
    assert frames[-1].number == 48
    assert said


@pytest.mark.parametrize(("start", "stop"), [(11, None), (-1, None), (3, 3), (5, 4)])
def test_nothing_to_read_is_an_error(ten_seconds: Path, start: int, stop: int | None) -> None:
    with pytest.raises(VideoError, match="has nothing from"):
        read_frames(ten_seconds, start=Fraction(start), stop=None if stop is None else Fraction(stop))


def test_clip_too_large_for_memory_is_refused_with_the_figures(ten_seconds: Path) -> None:
    with pytest.raises(VideoError, match=r"300 frames of 32x32; the limit is"):
        read_clip(ten_seconds, limit_bytes=100_000)


STREAM_THROUGH = """
import resource, sys
from fractions import Fraction
from pathlib import Path
import numpy as np
from reelops.video.decode import read_frames
from reelops.video.encode import encode

count, path = int(sys.argv[1]), Path(sys.argv[2])
base = np.broadcast_to(np.arange(320, dtype=np.uint8)[None, :, None], (240, 320, 3))
encode((np.roll(base, 4 * n, axis=1) for n in range(count)), path, Fraction(30), "fast")
assert sum(1 for _ in read_frames(path)) == count
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def test_memory_does_not_grow_with_length(tmp_path: Path) -> None:
    """180 more frames of 320x240 are 41 MB; a reader or writer that kept them would show it."""

    def peak_mb(count: int) -> int:
        command = [sys.executable, "-c", STREAM_THROUGH, str(count), str(tmp_path / f"{count}.mp4")]
        return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    assert peak_mb(240) - peak_mb(60) < 15


def check_seeking(path: Path, starts: Iterable[Fraction], fps: int) -> None:
    """Whoever begins late in the clip sees what those see who read all of it."""
    through = [shown.frame_HWC for shown in read_frames(path, size=(36, 24))]
    for start in starts:
        shown = next(read_frames(path, size=(36, 24), start=start, fps=Fraction(8)))
        assert shown.number == start * fps // 1
        assert np.array_equal(shown.frame_HWC, through[shown.number])


def test_a_key_frame_that_does_not_say_it_stands_for_itself_is_no_damage(tmp_path: Path) -> None:
    write_unannounced_key_frames(tmp_path / "clip.mp4", noise_frames(60), gap=20)
    check_seeking(tmp_path / "clip.mp4", (Fraction(5, 2), Fraction(5)), fps=10)


def test_so_it_is_in_a_real_clip(more_media: Path) -> None:
    check_seeking(more_media / "video" / "imageio-cockatoo.mp4", (Fraction(49, 8), Fraction(10)), fps=20)

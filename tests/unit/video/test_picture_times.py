"""Order, times, rate and length where packets do not tell when, or whether, a picture is shown; above all in AVI."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import pytest

from reelops.errors import VideoError
from reelops.video.decode import read_frames
from reelops.video.probe import probe
from tests.unit.video.bar_media import (
    RATE,
    bar_in,
    empty_picture,
    moving_bar,
    mpeg4_packets,
    packed,
    write_bar,
    write_chunks,
)

WITH_GAPS = (0, 1, 2, 5, 6, 7, 8, 12, 13, 14)
H264 = {
    "one B-frame": {"bf": "1"},
    "two B-frames": {"bf": "2"},
    "three B-frames": {"bf": "3"},
    "a pyramid": {"x264-params": "bframes=3:b-adapt=0:b-pyramid=strict"},
    "an open GOP": {"x264-params": "bframes=2:b-adapt=0:open-gop=1:keyint=8:min-keyint=8:scenecut=0"},
    "no B-frame": {"bf": "0"},
}


def check_in_order(path: Path, count: int) -> None:
    shown = list(read_frames(path))
    assert [bar_in(one.frame_HWC) for one in shown] == list(range(count))
    assert [one.number for one in shown] == list(range(count))
    assert [one.time for one in shown] == [Fraction(number, RATE) for number in range(count)]


@pytest.mark.parametrize("kind", H264)
def test_h264_in_avi_is_shown_in_its_order_at_its_times(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "bar.avi"
    write_bar(path, "libx264", H264[kind], range(40))
    info = probe(path)
    assert (info.fps, info.num_frames, info.damage, info.variable_rate) == (RATE, 40, None, False)
    check_in_order(path, 40)


@pytest.mark.parametrize("kind", H264)
def test_part_of_h264_in_avi_is_the_part_asked_for(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "bar.avi"
    write_bar(path, "libx264", H264[kind], range(40))
    part = read_frames(path, start=Fraction(4, RATE), stop=Fraction(12, RATE))
    assert [bar_in(one.frame_HWC) for one in part] == list(range(4, 12))
    every_other = read_frames(path, fps=Fraction(RATE, 2))
    assert [bar_in(one.frame_HWC) for one in every_other] == list(range(0, 40, 2))


@pytest.mark.parametrize("suffix", [".avi", ".mp4", ".mkv"])
def test_mpeg4_whose_b_frames_are_packed_is_shown_in_its_order(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"packed{suffix}"
    write_chunks(path, packed(mpeg4_packets(20, b_frames=1)))
    check_in_order(path, 20)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_file_with_times_of_decoding_only_is_shown_in_its_order(tmp_path: Path, suffix: str) -> None:
    """So some tools copy an AVI into another container."""
    path = tmp_path / f"bar{suffix}"
    write_bar(path, "libx264", H264["a pyramid"], range(40), times_of_decoding=True)
    check_in_order(path, 40)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_uneven_times_without_b_frames_stay_those_of_the_container(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"bar{suffix}"
    write_bar(path, "libx264", {"bf": "0"}, WITH_GAPS)
    assert [round(one.time * RATE) for one in read_frames(path)] == list(WITH_GAPS)


@pytest.mark.parametrize(
    ("codec", "options"),
    [("mpeg4", {}), ("mpeg4", {"bf": "2"}), ("mjpeg", {}), *(("libx264", options) for options in H264.values())],
)
def test_avi_with_empty_chunks_is_whole_and_keeps_its_times(
    tmp_path: Path, codec: str, options: dict[str, str]
) -> None:
    path = tmp_path / "gaps.avi"
    if codec == "mjpeg":
        options = {"strict": "unofficial"}  # full-range colours are not asked for by name
    write_bar(path, codec, options, WITH_GAPS)
    info = probe(path)
    assert info.damage is None
    assert (info.num_frames, info.duration, info.fps) == (10, Fraction(15, RATE), Fraction(10 * RATE, 15))
    assert info.variable_rate
    assert [one.time for one in read_frames(path)] == [Fraction(tick, RATE) for tick in WITH_GAPS]
    sampled = [bar_in(one.frame_HWC) for one in read_frames(path, fps=Fraction(RATE))]
    assert sampled == [0, 1, 2, 2, 2, 3, 4, 5, 6, 6, 6, 6, 7, 8, 9]


def test_a_single_empty_chunk_moves_what_follows_by_a_whole_frame(tmp_path: Path) -> None:
    path = tmp_path / "gap.avi"
    ticks = (0, 1, 2, 3, 5, 6, 7, 8)
    write_bar(path, "mpeg4", {}, ticks)
    assert probe(path).variable_rate
    assert [one.time for one in read_frames(path)] == [Fraction(tick, RATE) for tick in ticks]


def test_empty_chunks_at_the_end_hold_the_last_frame(tmp_path: Path) -> None:
    path = tmp_path / "held.avi"
    write_bar(path, "mpeg4", {}, range(6))
    content = bytearray(path.read_bytes())
    _lengthen(content, by=4)
    path.write_bytes(content)
    info = probe(path)
    assert (info.damage, info.num_frames, info.duration) == (None, 6, Fraction(10, RATE))
    assert len(list(read_frames(path, fps=Fraction(RATE)))) == 10


def _lengthen(avi: bytearray, by: int) -> None:
    """Announces more frames, and puts as many empty chunks after the others."""
    frames = avi.index(b"avih") + 8 + 16
    length = avi.index(b"strh") + 8 + 32
    for place in (frames, length):
        struct.pack_into("<I", avi, place, struct.unpack_from("<I", avi, place)[0] + by)
    index = avi.index(b"idx1")
    movi = avi.index(b"movi") - 4
    avi[index:index] = b"00dc\x00\x00\x00\x00" * by
    for place in (4, movi):
        struct.pack_into("<I", avi, place, struct.unpack_from("<I", avi, place)[0] + 8 * by)


@pytest.mark.parametrize("suffix", [".avi", ".mp4", ".mkv"])
def test_pictures_that_only_say_the_one_before_stays_are_not_missed(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"stays{suffix}"
    contents = [content for _, content in mpeg4_packets(12, b_frames=0)]
    for slot in (4, 5, 9):
        contents[slot] = empty_picture(slot)
    write_chunks(path, contents)
    info = probe(path)
    assert (info.num_frames, info.damage) == (9, None)
    shown = [round(one.time * RATE) for one in read_frames(path)]
    assert shown == [0, 1, 2, 3, 6, 7, 8, 10, 11]
    # Matroska leaves only the gaps between nine pictures, the others count the last one's own duration in.
    assert info.fps == (Fraction(8 * RATE, 11) if suffix == ".mkv" else Fraction(9 * RATE, 12))


def test_vp8_pictures_that_are_only_leant_on_are_not_missed(tmp_path: Path) -> None:
    path = tmp_path / "kept.webm"
    write_bar(path, "libvpx", {}, range(20), hidden=7)
    info = probe(path)
    assert (info.num_frames, info.damage) == (20, None)
    assert [one.number for one in read_frames(path)] == list(range(20))


@pytest.mark.parametrize("share", [0.5, 0.8, 0.95])
@pytest.mark.parametrize("codec", ["mpeg4", "libx264"])
def test_avi_that_is_cut_short_is_never_taken_for_whole(tmp_path: Path, codec: str, share: float) -> None:
    path = tmp_path / "cut.avi"
    write_bar(path, codec, {}, range(40))
    content = path.read_bytes()
    begin, end = content.index(b"movi"), content.index(b"idx1")
    path.write_bytes(content[: begin + int((end - begin) * share)])
    damage = probe(path).damage
    assert damage is not None
    assert "cut short" in damage
    with pytest.raises(VideoError, match="cut short"):
        next(read_frames(path))


def test_avi_that_lacks_only_its_index_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "cut.avi"
    write_bar(path, "mpeg4", {}, range(40))
    content = path.read_bytes()
    path.write_bytes(content[: content.index(b"idx1")])
    assert probe(path).damage is None
    check_in_order(path, 40)


def test_bars_tell_their_numbers() -> None:
    assert [bar_in(frame_HWC) for frame_HWC in moving_bar(40)] == list(range(40))

"""Whole files whose packets are not its pictures, or whose times, shape or light are odd: read right, and said."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.bitstream import BitStreamFilterContext

from reelops.errors import VideoError
from reelops.scoring.first_look import Question, look
from reelops.video.decode import read_clip, read_frames, read_luma
from reelops.video.high_dynamic_range import eased
from reelops.video.probe import probe, probe_with_timeline
from tests.unit.video.bar_media import RATE, SIZE, bar_in, moving_bar
from tests.unit.video.field_media import SIDE, field_packets
from tests.unit.video.media import number_in

CODED = {"libx264": {"x264-params": "open-gop=1:keyint=8:min-keyint=8:bframes=2:b-adapt=0:scenecut=0"}}
CODED["libx265"] = {"x265-params": "open-gop=1:keyint=8:min-keyint=8:bframes=2:b-adapt=0:scenecut=0:log-level=none"}


def coded(
    codec: str, count: int, options: dict[str, str], size: tuple[int, int] = SIZE, pixels: str = "yuv420p"
) -> list[av.Packet]:
    encoder = av.CodecContext.create(codec, "w")
    encoder.width, encoder.height, encoder.pix_fmt = *size, pixels
    encoder.framerate, encoder.time_base, encoder.options = Fraction(RATE), Fraction(1, RATE), options
    packets = []
    for number, frame_HWC in enumerate(moving_bar(count)):
        frame = av.VideoFrame.from_ndarray(frame_HWC, format="rgb24").reformat(*size, pixels)
        frame.pts, frame.time_base = number, Fraction(1, RATE)
        packets += encoder.encode(frame)
    return packets + encoder.encode(None)


def mux(path: Path, codec: str, packets: list[av.Packet], size: tuple[int, int] = SIZE) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=RATE)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for packet in packets:
            packet.stream, packet.time_base = stream, Fraction(1, RATE)
            container.mux(packet)


@pytest.mark.parametrize("suffix", [".ts", ".mkv", ".mp4", ".h264"])
def test_two_fields_are_one_picture(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"fields{suffix}"
    packets = field_packets(12)
    for slot, packet in enumerate(packets):
        packet.pts = packet.dts = slot
    mux(path, "libx264", packets, (SIDE, SIDE))
    info = probe(path)
    assert (info.num_frames, info.damage) == (12, None)
    assert [number_in(one.frame_HWC) for one in read_frames(path)] == pytest.approx(range(12), abs=1)
    assert info.fps == (25 if suffix == ".h264" else Fraction(RATE, 2))


@pytest.mark.parametrize("suffix", [".ts", ".mkv"])
@pytest.mark.parametrize("codec", CODED)
def test_pictures_that_lean_on_ones_before_a_cut_are_no_damage(tmp_path: Path, codec: str, suffix: str) -> None:
    path = tmp_path / f"cut{suffix}"
    packets = coded(codec, 32, CODED[codec])
    keys = [at for at, packet in enumerate(packets) if packet.is_keyframe]
    mux(path, codec, packets[keys[1] :])
    shown = [bar_in(one.frame_HWC) for one in read_frames(path)]
    assert shown == list(range(shown[0], 32))
    assert probe(path).num_frames == len(shown) < len(packets) - keys[1]


def test_a_vp9_packet_that_is_only_kept_is_not_counted(tmp_path: Path) -> None:
    path = tmp_path / "kept.webm"
    packets = coded("libvpx-vp9", 40, {})
    kept = bytearray(bytes(packets[0]))
    kept[0] &= ~0b10  # show_frame of a key frame
    unseen = av.Packet(bytes(kept))
    unseen.pts = unseen.dts = 20
    mux(path, "libvpx-vp9", [*packets[:20], unseen, *packets[20:]])
    assert probe(path).num_frames == len(list(read_frames(path))) == 40


@pytest.mark.parametrize("codec", ["libx264", "mpeg2video"])
def test_recordings_put_together_go_on_where_their_times_begin_anew(tmp_path: Path, codec: str) -> None:
    part, path = tmp_path / "part.ts", tmp_path / "both.ts"
    mux(part, codec, coded(codec, 20, {"bf": "2"}))
    path.write_bytes(part.read_bytes() * 2)
    info = probe(path)
    assert (info.fps, info.num_frames, info.variable_rate) == (RATE, 40, False)
    assert "begin anew at frame 20" in info.notes[0]
    shown = list(read_frames(path))
    assert [bar_in(one.frame_HWC) for one in shown] == [*range(20), *range(20)]
    assert [one.time for one in shown] == [Fraction(number, RATE) for number in range(40)]
    assert len(list(read_frames(path, fps=Fraction(5)))) == 8


def test_a_last_frame_without_end_is_shown_like_the_others_and_said(tmp_path: Path) -> None:
    path = tmp_path / "long.mp4"
    packets = coded("libx264", 20, {"bf": "0"})
    packets[-1].duration = 36_000 * RATE
    mux(path, "libx264", packets)
    info, timeline = probe_with_timeline(path)
    assert (info.fps, timeline.end) == (RATE, Fraction(20, RATE))
    assert "36,000 s" in info.notes[0]


def test_what_is_odd_about_a_file_is_said_beside_its_scores(tmp_path: Path) -> None:
    path = tmp_path / "long.mp4"
    packets = coded("libx264", 5, {"bf": "0"})
    packets[-1].duration = 36_000 * RATE
    mux(path, "libx264", packets)
    assert "36,000 s" in look(Question(path, None, None, None, False), lambda _: None).origin.notes[-1]


def test_a_pause_is_left_out_of_the_rate_and_said(tmp_path: Path) -> None:
    path = tmp_path / "pause.mp4"
    packets = coded("libx264", 20, {"bf": "0"})
    for packet in packets[10:]:
        packet.pts = packet.dts = packet.pts + 36_000 * RATE
    mux(path, "libx264", packets)
    info = probe(path)
    assert (info.fps, info.variable_rate) == (RATE, True)
    assert "Frame 9 stands for 36,000 s" in info.notes[0]


def test_a_picture_that_changes_its_shape_is_said_and_refused_where_one_shape_is_needed(tmp_path: Path) -> None:
    path = tmp_path / "shapes.mkv"
    wide, tall = (coded("libx264", 10, {"bf": "0"}, size) for size in (SIZE, SIZE[::-1]))
    for packet in tall:
        packet.pts = packet.dts = packet.pts + 10
    mux(path, "libx264", wide + tall)
    info, timeline = probe_with_timeline(path)
    assert info.notes == ("Its picture is 64x96 from frame 10 on, and 96x64 before.",)
    assert len(list(read_frames(path))) == 20
    with pytest.raises(VideoError, match=r"shapes.mkv changes its picture.s shape at .* to \d+x\d+; cut it there"):
        list(read_luma(info, timeline, 32, Fraction(RATE)))


def test_a_crop_on_the_left_is_exact(tmp_path: Path) -> None:
    plain, path = tmp_path / "plain.mkv", tmp_path / "crop.mp4"
    mux(plain, "libx264", coded("libx264", 5, {"bf": "0"}))
    with av.open(str(plain)) as given, av.open(str(path), "w") as container:
        source = given.streams.video[0]
        crop = BitStreamFilterContext("h264_metadata=crop_left=10", source)
        stream = container.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for packet in given.demux(source):
            for cropped in crop.filter(packet) if packet.size else ():
                cropped.stream = stream
                container.mux(cropped)
    assert read_clip(path).shape == (5, SIZE[1], SIZE[0] - 10, 3)


def test_luma_of_ten_bits_is_that_of_eight(tmp_path: Path) -> None:
    found = {}
    for pixels in ("yuv420p", "yuv420p10le"):
        path = tmp_path / f"{pixels}.mkv"
        with av.open(str(path), "w") as container:
            stream = container.add_stream("ffv1", rate=RATE)
            stream.width, stream.height, stream.pix_fmt = *SIZE, pixels
            stream.codec_context.colorspace = 1
            red_HWC = np.full((SIZE[1], SIZE[0], 3), (230, 20, 20), np.uint8)
            frame = av.VideoFrame.from_ndarray(red_HWC, format="rgb24")
            frame = frame.reformat(format=pixels, dst_colorspace="ITU709")
            container.mux([*stream.encode(frame), *stream.encode(None)])
        info, timeline = probe_with_timeline(path)
        found[pixels] = int(next(read_luma(info, timeline, 32, Fraction(RATE))).luma_HW.mean())
    assert found["yuv420p10le"] == pytest.approx(found["yuv420p"], abs=1)


# Codes of 10 bits, full range, of grey at 203 cd/m2, which is SDR's white, and at about a fifth of it.
GREYS = {16: (594, 434), 18: (767, 452)}


@pytest.mark.parametrize("transfer", GREYS)
def test_high_dynamic_range_is_brought_to_the_white_of_paper_and_said(tmp_path: Path, transfer: int) -> None:
    path = tmp_path / "hdr.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = 64, 32, "yuv420p10le"
        context = stream.codec_context
        context.color_trc, context.color_primaries, context.colorspace, context.color_range = transfer, 9, 9, 2
        for code in (*GREYS[transfer], 0, 1023):
            frame = av.VideoFrame(64, 32, "yuv420p10le")
            for plane, value in zip(frame.planes, (code, 512, 512), strict=True):
                plane.update(np.full(plane.buffer_size // 2, value, "<u2").tobytes())
            frame.color_trc, frame.color_primaries, frame.colorspace, frame.color_range = transfer, 9, 9, 2
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert "HDR" in probe(path).notes[0]
    white, grey, black, peak = (one.frame_HWC.mean() for one in read_frames(path))
    assert (white, grey, black, peak) == pytest.approx((248, 128, 0, 255), abs=6)


def test_light_is_eased_into_white_without_a_step_or_a_corner() -> None:
    light = np.linspace(0, 6, 6001)
    steps = np.diff(eased(light))
    assert (steps >= 0).all() and eased(light).max() == 1
    assert np.abs(np.diff(steps)).max() < 1e-4


def test_the_numbers_of_a_plain_file_need_no_note(tmp_path: Path) -> None:
    path = tmp_path / "plain.mp4"
    mux(path, "libx264", coded("libx264", 10, {}))
    assert probe(path).notes == ()

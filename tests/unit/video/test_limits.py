"""Videos that ask for more than any machine has; each is a few kilobytes."""

from __future__ import annotations

import resource
import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import pytest

from reelops.dataset.metadata.diagnosis import diagnose
from reelops.errors import VideoError
from reelops.metrics.settings import ScoreSettings
from reelops.metrics.suite import score_clip
from reelops.video import limits, packet_bits
from reelops.video.audio import open_audio
from reelops.video.decode import read_clip, read_frames
from reelops.video.encode import transcode
from reelops.video.limits import MAX_SECONDS, check_frame_size, check_num_frames, check_seconds
from reelops.video.packet_bits import has_fields
from reelops.video.probe import probe
from reelops.video.provenance import read_provenance
from tests.unit.video.media import numbered_frames, write_sound, write_with_times

HUGE = 6400
READERS: dict[str, Callable[[Path], object]] = {
    "probe": probe,
    "decode": lambda path: next(read_frames(path)),
    "decode small": lambda path: next(read_frames(path, size=(32, 32))),
    "a whole clip": read_clip,
    "provenance": read_provenance,
    "transcode": lambda path: transcode(path, path.with_name("anew.mp4")),
    "score": lambda path: score_clip(
        path, None, None, ScoreSettings(temporal_engine="dis", temporal_rows=160, temporal_scale=120.0)
    ),
}


def _grey(side: int) -> av.VideoFrame:
    frame = av.VideoFrame(side, side, "yuv420p")
    for plane in frame.planes:
        plane.update(bytes([128]) * plane.buffer_size)
    return frame


@pytest.fixture(scope="module", params=["mp4", "avi"])
def huge(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture of 41 million pixels."""
    path = tmp_path_factory.mktemp("huge") / f"huge.{request.param}"
    with av.open(str(path), "w", format=request.param) as container:
        stream = container.add_stream("mpeg4", rate=8)
        stream.width, stream.height, stream.pix_fmt = HUGE, HUGE, "yuv420p"
        frame = _grey(HUGE)
        frame.pts = 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("reader", READERS)
def test_a_picture_beyond_the_limit_is_refused_before_it_is_decoded(huge: Path, reader: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(VideoError, match=f"{HUGE}x{HUGE}, 41 million pixels per picture; the limit is 40 million"):
        READERS[reader](huge)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30_000, "one picture takes 60 MB"


def test_a_bare_stream_that_grows_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    """It has no header that says a size; its pictures do."""
    path = tmp_path / "grows.m4v"
    content = b""
    for side in (64, HUGE):
        encoder = av.CodecContext.create("mpeg4", "w")
        encoder.width, encoder.height, encoder.pix_fmt = side, side, "yuv420p"
        encoder.time_base = Fraction(1, 8)
        frame = _grey(side)
        content += b"".join(bytes(packet) for packet in (*encoder.encode(frame), *encoder.encode(None)))
    path.write_bytes(content)
    with pytest.raises(VideoError) as told:
        list(read_frames(path))
    assert str(path) in str(told.value)


@pytest.mark.parametrize("aspect", [Fraction(150), Fraction(255)])
def test_pixels_too_wide_to_be_made_square_are_refused(tmp_path: Path, aspect: Fraction) -> None:
    path = tmp_path / "wide.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=8)
        stream.width, stream.height, stream.pix_fmt = 640, 480, "yuv420p"
        stream.codec_context.sample_aspect_ratio = aspect
        for frame_HWC in numbered_frames(2, 640, 480):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame_HWC, format="rgb24")))
        container.mux(stream.encode(None))
    for name, read in READERS.items():
        if name != "provenance":  # which looks at no picture
            with pytest.raises(VideoError, match="the limit is 40 million"):
                read(path)


def test_times_beyond_a_day_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "long.mkv"
    write_with_times(path, numbered_frames(3), [0, 1, 2 * MAX_SECONDS], Fraction(1))
    for read in (probe, lambda path: list(read_frames(path, fps=Fraction(8)))):
        with pytest.raises(VideoError, match=r"lasts for \d+,\d+ seconds by its own times; the limit is 86,400"):
            read(path)


def test_sound_beyond_a_day_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    write_sound(path, seconds=0.1)
    header = bytearray(path.read_bytes())
    del header[header.index(b"data") + 4 :]
    header[24:32] = struct.pack("<II", 1, 4)  # one sample a second, of four bytes
    size = 4 * (MAX_SECONDS + 1)
    path.write_bytes(header + struct.pack("<I", size) + bytes(size))
    with pytest.raises(VideoError, match="the limit is 86,400"), open_audio(path):
        pass


def test_too_many_pictures_are_refused_while_they_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "many.mp4"
    write_with_times(path, numbered_frames(12), list(range(12)), Fraction(1, 8))
    monkeypatch.setattr(limits, "MAX_FRAMES", 10)
    with pytest.raises(VideoError, match="more than 10 pictures, which is the limit"):
        probe(path)


def test_limits_themselves_are_allowed(tmp_path: Path) -> None:
    path = tmp_path / "video.mp4"
    check_frame_size(path, 7680, 4320)
    check_num_frames(path, limits.MAX_FRAMES)
    check_seconds(path, Fraction(MAX_SECONDS))


def test_a_video_beyond_the_limit_is_quarantined_as_one(huge: Path) -> None:
    assert diagnose(huge)


def test_what_packets_tell_is_read_in_no_time_however_long_a_parameter_set_is(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = 0

    class Counted(packet_bits._Bits):
        def take(self, count: int) -> int:
            nonlocal taken
            taken += 1
            return super().take(count)

    monkeypatch.setattr(packet_bits, "_Bits", Counted)
    offsets = f"{2**20:041b}{'1' * 8_000_000}"  # more than a million of them are said to follow, and do
    bits = f"{0x67:08b}{66:08b}{0:08b}{40:08b}" + "1" + "1" + "010" + "0" + "1" + "1" + offsets
    bits += "1" * (-len(bits) % 8)
    assert not has_fields("h264", b"\0\0\1" + int(bits, 2).to_bytes(len(bits) // 8), b"")
    assert 1000 < taken < 200_000

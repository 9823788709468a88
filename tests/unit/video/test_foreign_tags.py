"""Titles, comments and names of strangers: whatever their encoding, and whatever else a frame carries along."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import av
import pytest

from reelops.dataset.metadata.diagnosis import diagnose
from reelops.dataset.table import Reason
from reelops.video.decode import read_frames
from reelops.video.encode import encode, transcode
from reelops.video.orientation import Orientation
from reelops.video.probe import probe
from reelops.video.provenance import read_provenance
from tests.unit.video.bar_media import SIZE, moving_bar, write_bar
from tests.unit.video.media import write_sound

_MARK = b"TITLE-OF-TWENTY-BYTE"
IN_OTHER_ENCODINGS = {
    "Latin-1": "Café à Genève".encode("latin-1"),
    "Cyrillic Windows": "Привет".encode("cp1251"),
    "Shift JIS": "映画".encode("shift_jis"),
    "half a letter": "Caf\N{LATIN SMALL LETTER E WITH ACUTE}".encode()[:-1],
    "no text at all": bytes([0xFF, 0xFE, 0x80, 0xC0, 0xED, 0xA0, 0x80]),
}


def write_titled(path: Path, codec: str, title: bytes, tag: str = "title") -> None:
    with av.open(str(path), "w") as container:
        container.metadata[tag] = _MARK.decode()
        stream = container.add_stream(codec, rate=8)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for frame_HWC in moving_bar(5):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame_HWC, format="rgb24")))
        container.mux(stream.encode(None))
    _retitle(path, title)


def _retitle(path: Path, title: bytes) -> None:
    content = path.read_bytes()
    assert _MARK in content
    path.write_bytes(content.replace(_MARK, title.ljust(len(_MARK))[: len(_MARK)]))


@pytest.mark.parametrize("encoding", IN_OTHER_ENCODINGS)
@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("t.avi", "mpeg4"),
        ("t.mp4", "libx264"),
        ("t.mov", "libx264"),
        ("t.mkv", "libx264"),
        ("t.webm", "libvpx"),
        ("t.flv", "flv1"),
        ("t.nut", "mpeg4"),
        ("t.ts", "mpeg2video"),
    ],
)
def test_title_in_any_encoding_does_not_matter(tmp_path: Path, name: str, codec: str, encoding: str) -> None:
    path = tmp_path / name
    write_titled(path, codec, IN_OTHER_ENCODINGS[encoding], "service_name" if name == "t.ts" else "title")
    assert probe(path).num_frames == 5
    assert len(list(read_frames(path))) == 5
    assert read_provenance(path) is None
    assert diagnose(path) is Reason.DAMAGED  # a video at least, asked only of one that cannot be read to its end


def test_comment_in_any_encoding_is_no_provenance(tmp_path: Path) -> None:
    path = tmp_path / "commented.mp4"
    write_titled(path, "libx264", b'{"reelops":"\xe9\xff"}', "comment")
    assert probe(path).provenance is None


def test_sound_with_a_title_in_another_encoding_is_carried_along(tmp_path: Path) -> None:
    sound = tmp_path / "sound.mp4"
    write_sound(sound, "aac")
    with av.open(str(sound)) as given, av.open(str(tmp_path / "titled.mkv"), "w") as taken:
        taken.metadata["title"] = _MARK.decode()
        stream = taken.add_stream_from_template(given.streams.audio[0])
        for packet in given.demux(given.streams.audio[0]):
            if packet.dts is not None:
                packet.stream = stream
                taken.mux(packet)
    _retitle(tmp_path / "titled.mkv", IN_OTHER_ENCODINGS["Latin-1"])
    clip = encode(moving_bar(8), tmp_path / "clip.mp4", Fraction(8), "fast", audio=tmp_path / "titled.mkv")
    assert probe(clip.path).audio is not None


def test_a_titled_video_is_encoded_anew(tmp_path: Path) -> None:
    path = tmp_path / "titled.avi"
    write_titled(path, "mpeg4", IN_OTHER_ENCODINGS["Latin-1"])
    assert transcode(path, tmp_path / "anew.mp4", "fast").format.num_frames == 5


def test_notes_on_a_frame_that_pyav_has_no_name_for_do_not_matter(tmp_path: Path) -> None:
    """A camera's MJPEG has EXIF in every frame."""
    path = tmp_path / "camera.avi"
    write_bar(path, "mjpeg", {"strict": "unofficial"}, range(5))
    # Little-endian TIFF with one entry: the orientation, a short number, which is 1 for upright.
    exif = b"Exif\0\0" + struct.pack("<2sHIHHHIHHI", b"II", 42, 8, 1, 0x0112, 3, 1, 1, 0, 0)
    segment = b"\xff\xe1" + (len(exif) + 2).to_bytes(2) + exif
    with av.open(str(path)) as given, av.open(str(tmp_path / "exif.avi"), "w") as taken:
        stream = taken.add_stream_from_template(given.streams.video[0])
        for packet in given.demux(video=0):
            if packet.size:
                noted = av.Packet(b"\xff\xd8" + segment + bytes(packet)[2:])
                noted.stream, noted.pts, noted.dts, noted.time_base = stream, packet.pts, packet.dts, packet.time_base
                taken.mux(noted)
    assert [one.number for one in read_frames(tmp_path / "exif.avi")] == list(range(5))


@pytest.mark.parametrize("degrees", [0, 90, 180, 270, -90])
def test_a_turn_alone_is_an_orientation(degrees: int) -> None:
    orientation = Orientation.of_turn(degrees)
    assert orientation.rotation == degrees % 360
    assert not orientation.mirrored

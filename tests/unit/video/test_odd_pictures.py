"""Pictures made to be expensive, or damaged: either the picture comes, or one line that names the file."""

from __future__ import annotations

import errno
import io
import os
import re
import struct
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image, ImageCms

from reelops.errors import MachineError, PictureError
from reelops.video import picture_file
from reelops.video.picture import looks_like_picture, probe_picture, read_picture, read_pixels

READERS = (probe_picture, read_pixels, lambda path: read_picture(path, 48, 32))
NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8))


def saved(name: str, image: Image.Image = NOISE, **options: object) -> bytearray:
    file = io.BytesIO()
    image.copy().save(file, name, **options)
    return bytearray(file.getvalue())


def lossless_webp_header(width: int, height: int) -> bytes:
    """The first 34 bytes of a lossless WebP, as RFC 9649 lays them out."""
    bits = (width - 1) | (height - 1) << 14
    return b"RIFF" + struct.pack("<I", 26) + b"WEBPVP8L" + struct.pack("<IBI", 13, 0x2F, bits) + bytes(9)


def extended_webp_header(width: int, height: int) -> bytes:
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"RIFF" + struct.pack("<I", 22) + b"WEBPVP8X" + struct.pack("<II", 10, 0) + size


def gif_with_a_frame_of(width: int, height: int) -> bytes:
    data = saved("GIF", NOISE.convert("P"))
    at = data.find(b"\x2c\0\0\0\0")
    data[at + 5 : at + 9] = struct.pack("<HH", width, height)
    return bytes(data)


def tiff_of_pages(pages: int, entry: bytes = b"") -> bytes:
    """A TIFF whose directories, but for the first, hold one entry at most."""
    data = saved("TIFF")
    first = struct.unpack_from("<I", data, 4)[0]
    following = first + 2 + 12 * struct.unpack_from("<H", data, first)[0]
    for _ in range(pages - 1):
        data += bytes(len(data) % 2)
        struct.pack_into("<I", data, following, len(data))
        data += struct.pack("<H", len(entry) // 12) + entry + bytes(4)
        following = len(data) - 4
    return bytes(data)


def avif_with_spoilt_pixels() -> bytes:
    data = saved("AVIF")
    at = data.find(b"mdat") + 4
    data[at:] = bytes(byte ^ 0xFF for byte in data[at:])
    return bytes(data)


GREY_PAGE = b"".join(
    struct.pack("<HHII", tag, 4, 1, n) for tag, n in ((256, 60), (257, 40), (258, 8), (259, 1), (262, 1), (273, 8))
)


def jp2_with_a_box_of(size: int) -> bytes:
    data = saved("JPEG2000")
    at = data.find(b"colr") - 4
    return bytes(data[:at] + struct.pack(">I4sQ", 1, b"colr", size) + data[at + 8 :])


SIZE_OF_TEXT = struct.pack("<HHI4s", 256, 2, 1, b"x\0\0\0")  # a width that is a text


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (lossless_webp_header(14_000, 14_000), "is 14000x14000, 196 million pixels; the limit is 100 million"),
        (lossless_webp_header(16_384, 16_384), "is 16384x16384, 268 million pixels; the limit is 100 million"),
        (extended_webp_header(1 << 24, 1 << 24), "is 16777216x16777216, .* the limit is 100 million"),
        (gif_with_a_frame_of(65_535, 65_535), "has a frame far larger than its header says; the limit is 100 million"),
        (gif_with_a_frame_of(11_000, 11_000), "is 11000x11000, 121 million pixels; the limit is 100 million"),
        (tiff_of_pages(2, SIZE_OF_TEXT), "is damaged or cut short"),
        (jp2_with_a_box_of(1 << 62), "is damaged or cut short"),
    ],
    ids=["webp", "largest webp", "extended webp", "gif bomb", "large gif", "tiff of odd pages", "endless jp2 box"],
)
@pytest.mark.parametrize("read", READERS, ids=["probe", "pixels", "picture"])
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_picture_that_would_cost_too_much_is_refused_in_one_line(tmp_path, data, reason, read) -> None:
    path = tmp_path / "p.bin"
    path.write_bytes(data)
    with pytest.raises(PictureError, match=f"^{path}.*{reason}.*$") as caught:
        read(path)
    assert "\n" not in str(caught.value)


def test_a_damaged_avif_is_refused_by_its_name(tmp_path) -> None:
    (path := tmp_path / "p.avif").write_bytes(avif_with_spoilt_pixels())
    with pytest.raises(PictureError, match=f"^{path} is damaged or cut short: "):
        read_picture(path, 48, 32)


def test_a_picture_is_read_whatever_its_exif_holds(tmp_path, recwarn) -> None:
    tags = Image.Exif()
    tags[0x0112], tags[0x010E] = 6, "a harbour"
    spoilt = bytearray(tags.tobytes())
    at = spoilt.find(b"a harbour") - 30
    for place in range(at, at + 12):
        spoilt[place] ^= 0xFF
    for name in ("JPEG", "PNG", "WEBP", "AVIF"):
        (path := tmp_path / f"p.{name.lower()}").write_bytes(saved(name, exif=bytes(spoilt)))
        recwarn.clear()
        assert read_pixels(path).shape in {(40, 60, 3), (60, 40, 3)}
        assert probe_picture(path).num_frames == 1
        assert not recwarn.list, "and nothing is said of it"


@pytest.mark.parametrize("turn", range(1, 9))
def test_every_turn_of_exif_gives_the_same_upright_picture(tmp_path, turn) -> None:
    inverse = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # which of Pillow's transpositions undoes it
    lying = NOISE if turn == 1 else NOISE.transpose(Image.Transpose(inverse[turn]))
    tags = Image.Exif()
    tags[0x0112] = turn
    (path := tmp_path / "p.png").write_bytes(saved("PNG", lying, exif=tags))
    assert np.array_equal(read_pixels(path), np.asarray(NOISE))
    assert (probe_picture(path).width, probe_picture(path).height) == NOISE.size


def test_a_colour_profile_too_large_to_be_one_is_not_used(tmp_path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes() + bytes(20_000_000)
    (path := tmp_path / "p.webp").write_bytes(saved("WEBP", icc_profile=profile))
    assert "its embedded colour profile cannot be used, so colours may be off" in read_picture(path, 60, 40).notes


def test_a_picture_of_very_many_pages_is_refused_before_they_are_counted(tmp_path, monkeypatch) -> None:
    (path := tmp_path / "p.tif").write_bytes(tiff_of_pages(150, GREY_PAGE))
    assert probe_picture(path).num_frames == 150
    monkeypatch.setattr(picture_file, "MAX_FRAMES", 100)
    with pytest.raises(PictureError, match=f"^{path} has more than 100 frames or pages; save one of them as PNG"):
        probe_picture(path)


def test_a_picture_cut_into_very_many_parts_is_refused(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(picture_file, "MAX_READS", 10_000)
    blocks = b"\x21\xfe\x01a\x00" * 20_000
    data = saved("GIF", NOISE.convert("P"))
    (path := tmp_path / "p.gif").write_bytes(data[:-1] + blocks + b";")
    with pytest.raises(PictureError, match=f"^{path} is cut into millions of parts"):
        read_picture(path, 48, 32)


def test_a_file_too_large_for_a_picture_is_not_opened(tmp_path) -> None:
    (path := tmp_path / "p.png").write_bytes(saved("PNG"))
    os.truncate(path, 3_000_000_000)
    with pytest.raises(PictureError, match=f"^{path} has 3,000 MB; the limit for a picture is 1,000 MB"):
        probe_picture(path)
    assert not looks_like_picture(path)


@pytest.mark.parametrize("name", ["n" * 300 + ".png", "nul\0.png", "p.png/q.png"])
def test_a_name_that_no_file_can_have_is_refused_by_name(tmp_path, name) -> None:
    (tmp_path / "p.png").write_bytes(saved("PNG"))
    for read in READERS:
        with pytest.raises(PictureError, match=r"(does not exist|cannot be read)"):
            read(tmp_path / name)
    assert not looks_like_picture(tmp_path / name)


def test_a_pipe_is_no_picture_and_is_not_waited_for(tmp_path) -> None:
    os.mkfifo(path := tmp_path / "p.png")
    with pytest.raises(PictureError, match="is not an ordinary file"):
        probe_picture(path)
    assert not looks_like_picture(path)


def test_too_many_open_files_are_not_told_of_the_picture(tmp_path) -> None:
    (path := tmp_path / "p.png").write_bytes(saved("PNG"))
    code = f"""
import resource, pathlib
from reelops.errors import MachineError
from reelops.video.picture import read_picture
path = pathlib.Path({str(path)!r})
read_picture(path, 48, 32)
resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
try:
    read_picture(path, 48, 32)
except MachineError as error:
    print(error)
"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout
    assert told.startswith(f"cannot read {path} on this machine now: {os.strerror(errno.EMFILE)}"), MachineError


def test_deep_grey_is_scaled_alike_however_high_the_picture_is(tmp_path) -> None:
    deep = np.random.default_rng(1).integers(0, 65_536, (1000, 40), dtype=np.uint16)
    (path := tmp_path / "p.png").write_bytes(saved("PNG", Image.fromarray(deep)))
    wanted = np.round(deep / 65_535 * 255).astype(np.uint8)
    assert np.array_equal(read_pixels(path), np.repeat(wanted[..., None], 3, axis=2))


def test_no_other_module_opens_a_picture_by_itself(repository) -> None:
    opens = re.compile(r"\bImage\.open\(|\bcv2\.imread|\bimageio\b|\bread_image\(")
    modules = [path for room in ("src", "flows", "tasks") for path in (repository / room).rglob("*.py")]
    assert not [path for path in modules if opens.search(path.read_text().replace("`Image.open`", ""))]

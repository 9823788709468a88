"""Pictures of every kind come as RGB at the size asked for, and what was done to them is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, TiffImagePlugin
from real_media import IMAGE

from reelops.errors import PictureError
from reelops.system.digest import sha256_of
from reelops.video.picture import looks_like_picture, probe_picture, read_picture
from tests.unit.video.media import write_png16, write_raw_png


def save(picture: Image.Image, path: Path, **options: object) -> Path:
    picture.save(path, **options)
    return path


def gradient(width: int, height: int) -> Image.Image:
    """Red grows to the right, green downwards."""
    y, x = np.mgrid[:height, :width]
    channels = [x * 255 / (width - 1), y * 255 / (height - 1), np.full((height, width), 60)]
    return Image.fromarray(np.stack(channels, axis=-1).astype(np.uint8))


def test_picture_of_the_right_size_comes_as_it_is(tmp_path: Path) -> None:
    path = save(gradient(240, 160), tmp_path / "p.png")
    picture = read_picture(path, 240, 160)
    assert np.array_equal(picture.rgb_HWC, np.asarray(gradient(240, 160)))
    assert picture.notes == ()
    assert (picture.source_size, picture.sha256) == ((240, 160), sha256_of(path))


def check_real_pictures(folder: Path) -> None:
    for path in sorted(folder.iterdir()):
        picture = read_picture(path, 240, 160)
        assert (picture.rgb_HWC.shape, picture.rgb_HWC.dtype) == ((160, 240, 3), np.uint8), path
        assert picture.rgb_HWC.std() > 10, path


def test_real_pictures_come_at_the_size_asked_for() -> None:
    check_real_pictures(IMAGE)


def test_further_pictures_some_very_large_come_at_the_size_asked_for(more_media: Path) -> None:
    check_real_pictures(more_media / "image")


def test_crop_takes_the_centre_and_says_so(tmp_path: Path) -> None:
    picture = read_picture(save(gradient(600, 200), tmp_path / "p.png"), 150, 100)
    assert picture.notes == ("cropped around its centre from 600x200 to 300x200",)
    left, right = picture.rgb_HWC[50, 0, 0], picture.rgb_HWC[50, -1, 0]
    assert abs(int(left) - 64) <= 2
    assert abs(int(right) - 191) <= 2


def test_pad_shows_all_of_it_between_black_bars_and_says_so(tmp_path: Path) -> None:
    white = Image.new("RGB", (200, 400), "white")
    picture = read_picture(save(white, tmp_path / "p.png"), 120, 80, "pad")
    assert picture.notes == ("padded with black left and right",)
    assert (picture.rgb_HWC == 255).all(axis=(0, 2)).nonzero()[0].tolist() == list(range(40, 80))


def test_downscaling_does_not_alias(tmp_path: Path) -> None:
    """A one-pixel checkerboard is grey from afar; picking pixels would leave black and white."""
    board = np.indices((400, 600)).sum(axis=0) % 2 * 255
    picture = read_picture(save(Image.fromarray(board.astype(np.uint8)), tmp_path / "p.png"), 60, 40)
    assert np.abs(picture.rgb_HWC.astype(int) - 127).max() <= 3


def test_small_picture_is_enlarged_aloud(tmp_path: Path) -> None:
    picture = read_picture(save(gradient(60, 40), tmp_path / "p.png"), 240, 160)
    assert picture.notes == ("enlarged 4 times from 60x40, so it is soft",)


@pytest.mark.parametrize("orientation", range(2, 9))
def test_exif_orientation_is_applied(tmp_path: Path, orientation: int) -> None:
    """Stored as EXIF 2.32 table 6 says, so that the picture shown is the gradient each time."""
    undo = {
        2: [Image.Transpose.FLIP_LEFT_RIGHT],
        3: [Image.Transpose.ROTATE_180],
        4: [Image.Transpose.FLIP_TOP_BOTTOM],
        5: [Image.Transpose.TRANSPOSE],
        6: [Image.Transpose.ROTATE_90],
        7: [Image.Transpose.TRANSVERSE],
        8: [Image.Transpose.ROTATE_270],
    }
    stored = gradient(96, 64)
    for step in undo[orientation]:
        stored = stored.transpose(step)
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(stored, tmp_path / "p.png", exif=exif)
    picture = read_picture(path, 96, 64)
    assert np.array_equal(picture.rgb_HWC, np.asarray(gradient(96, 64)))
    assert picture.notes == ("turned upright as its EXIF orientation says",)
    assert (probe_picture(path).width, probe_picture(path).height) == (96, 64)


def test_transparent_parts_are_laid_over_white(tmp_path: Path) -> None:
    red = Image.new("RGBA", (32, 32), (255, 0, 0, 0))
    red.paste((255, 0, 0, 255), (0, 0, 32, 16))
    picture = read_picture(save(red, tmp_path / "p.png"), 32, 32)
    assert picture.rgb_HWC[4, 4].tolist() == [255, 0, 0]
    assert picture.rgb_HWC[28, 4].tolist() == [255, 255, 255]
    assert picture.notes == ("its transparent parts are laid over white",)


def test_opaque_alpha_is_not_worth_a_word(tmp_path: Path) -> None:
    assert read_picture(save(gradient(32, 32).convert("RGBA"), tmp_path / "p.png"), 32, 32).notes == ()


@pytest.mark.parametrize("mode", ["LA", "P"])
def test_other_modes_with_transparency_are_laid_over_white(tmp_path: Path, mode: str) -> None:
    if mode == "P":
        path = save(Image.new("P", (32, 32), 0), tmp_path / "p.png", transparency=0)
    else:
        path = save(Image.new("LA", (32, 32), (0, 0)), tmp_path / "p.png")
    assert (read_picture(path, 32, 32).rgb_HWC == 255).all()


def test_16_bit_grey_is_scaled_not_clipped(tmp_path: Path) -> None:
    ramp = np.linspace(0, 65535, 64).astype(np.uint16)[None].repeat(32, axis=0)
    write_png16(tmp_path / "p.png", ramp)
    picture = read_picture(tmp_path / "p.png", 64, 32)
    assert np.abs(picture.rgb_HWC[0, :, 0] - ramp[0] / 257).max() <= 0.5
    assert "reduced from 16 to 8 bits a channel" in picture.notes


@pytest.mark.parametrize("channels", [3, 4])
def test_16_bit_colour_is_scaled_aloud(tmp_path: Path, channels: int) -> None:
    values = np.full((32, 32, channels), 40000, np.uint16)
    values[..., 3:] = 65535
    write_png16(tmp_path / "p.png", values)
    picture = read_picture(tmp_path / "p.png", 32, 32)
    assert np.abs(picture.rgb_HWC.astype(float) - 40000 / 257).max() <= 1
    assert picture.notes == ("reduced from 16 to 8 bits a channel",)


@pytest.mark.parametrize(("mode", "value"), [("F", 0.5), ("I", 32768)])
def test_deep_tiff_is_scaled(tmp_path: Path, mode: str, value: float) -> None:
    picture = read_picture(save(Image.new(mode, (32, 32), value), tmp_path / "p.tif"), 32, 32)
    assert np.abs(picture.rgb_HWC.astype(int) - 128).max() <= 1


def test_light_above_white_is_white_and_what_is_no_number_is_said(tmp_path: Path) -> None:
    light_HW = np.full((32, 32), 0.5, np.float32)
    light_HW[0, :3] = 1.3, np.inf, np.nan
    picture = read_picture(save(Image.fromarray(light_HW), tmp_path / "p.tif"), 32, 32)
    assert picture.rgb_HWC[16, 16, 0] == 128 and picture.rgb_HWC[0, :3, 0].tolist() == [255, 255, 0]
    assert picture.notes[0] == "2 of its pixels are no numbers, and black or white"


def test_cmyk_is_converted_aloud(tmp_path: Path) -> None:
    path = save(Image.new("CMYK", (64, 64), (0, 255, 255, 0)), tmp_path / "p.jpg", quality=95)
    picture = read_picture(path, 64, 64)
    assert np.abs(picture.rgb_HWC[32, 32].astype(int) - [255, 0, 0]).max() <= 4
    assert picture.notes == ("converted from CMYK without a colour profile, so colours may be off",)


def test_embedded_colour_profile_is_used(tmp_path: Path) -> None:
    """In sRGB with its red and blue exchanged, red is what sRGB calls blue."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    profile = profile.replace(b"rXYZ", b"tmp!").replace(b"bXYZ", b"rXYZ").replace(b"tmp!", b"bXYZ")
    profile = profile.replace("sRGB".encode("utf-16-be"), "test".encode("utf-16-be"))
    red = Image.new("RGB", (32, 32), "red")
    picture = read_picture(save(red, tmp_path / "p.png", icc_profile=profile), 32, 32)
    assert np.abs(picture.rgb_HWC[0, 0].astype(int) - [0, 0, 255]).max() <= 2
    assert picture.notes == ("converted from colour profile test built-in to sRGB",)


def test_lab_picture_is_converted_with_or_without_a_profile(tmp_path: Path) -> None:
    """L* 54.29, a* 80.8, b* 69.9 by D50 is sRGB red; Pillow keeps a* and b* with 128 added."""
    red = Image.new("LAB", (32, 32), (round(54.29 * 2.55), 81 + 128, 70 + 128))
    picture = read_picture(save(red, tmp_path / "p.tif"), 32, 32)
    assert np.abs(picture.rgb_HWC[0, 0].astype(int) - [255, 0, 0]).max() <= 6


def test_broken_colour_profile_is_said_and_survived(tmp_path: Path) -> None:
    picture = read_picture(save(gradient(32, 32), tmp_path / "p.png", icc_profile=b"rubbish" * 40), 32, 32)
    assert "colour profile cannot be used" in picture.notes[0]


@pytest.mark.parametrize("suffix", ["gif", "webp", "png"])
def test_first_frame_of_an_animation_is_used_aloud(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"p.{suffix}"
    later = [Image.new("RGB", (32, 32), colour) for colour in ("blue", "green")]
    Image.new("RGB", (32, 32), "red").save(path, save_all=True, append_images=later)
    picture = read_picture(path, 32, 32)
    assert np.abs(picture.rgb_HWC[16, 16].astype(int) - [255, 0, 0]).max() <= 6
    assert "the first of its 3 animation frames is used" in picture.notes


@pytest.mark.parametrize("suffix", ["jpg", "webp", "avif", "tif", "bmp", "jp2", "ppm", "gif"])
def test_common_formats_are_read(tmp_path: Path, suffix: str) -> None:
    path = save(gradient(96, 64), tmp_path / f"p.{suffix}")
    assert np.abs(read_picture(path, 96, 64).rgb_HWC.astype(int) - np.asarray(gradient(96, 64))).mean() < 8
    assert looks_like_picture(path)


def test_grey_becomes_rgb_aloud(tmp_path: Path) -> None:
    picture = read_picture(save(gradient(32, 32).convert("L"), tmp_path / "p.png"), 32, 32)
    assert (picture.rgb_HWC[..., 0] == picture.rgb_HWC[..., 2]).all()
    assert picture.notes == ("greyscale, so the clip starts in grey",)


def broken_file(kind: str, folder: Path) -> Path:
    path = folder / "p.png"
    texts = {
        "text": "hello, I am no picture\n" * 20,
        "svg": '<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>',
        "bare svg": "<svg/>",
    }
    starts = {
        "jxl": b"\xff\x0a",
        "psd": b"8BPS\0\1",
        "raf": b"FUJIFILMCCD-RAW 0201",
        "cr2": b"II*\0\x10\0\0\0CR\2\0",
        "cr3": b"\0\0\0\x18ftypcrx \0\0\0\1",
        "lfs": b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
    }
    previews = {"dng": {50706: b"\1\4\0\0"}, "nef": {254: 1, 330: 8}}
    if kind in starts:
        path.write_bytes(starts[kind] + bytes(0 if kind == "lfs" else 100))
    elif kind in previews:
        tags = TiffImagePlugin.ImageFileDirectory_v2()
        for tag, value in previews[kind].items():
            tags[tag] = value
        save(gradient(160, 120), folder / "p.tif", tiffinfo=tags).rename(path)
    elif kind == "no numbers":
        save(Image.new("F", (32, 32), float("nan")), folder / "p.tif").rename(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "empty":
        path.touch()
    elif kind in texts:
        path.write_text(texts[kind])
    elif kind == "heic":
        path.write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100))
    elif kind == "random":
        path.write_bytes(np.random.default_rng(0).bytes(5000))
    elif kind == "cut":
        save(gradient(200, 200), path)
        path.write_bytes(path.read_bytes()[:400])
    elif kind == "cut jpeg":
        path = save(gradient(400, 400), folder / "p.jpg")
        path.write_bytes(path.read_bytes()[:1500])
    elif kind == "cut header":
        path.write_bytes(b"\x89PNG\r\n\x1a\n\0\0")
    elif kind == "bomb":
        write_raw_png(path, 30000, 30000, 8, 2, b"")
    elif kind == "no pixels":
        write_raw_png(path, 0, 10, 8, 2, b"")
    elif kind == "thread":
        save(Image.new("RGB", (10000, 1)), path)
    elif kind == "ribbon":
        save(Image.new("RGB", (2000, 40)), path)
    return path


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("missing", "does not exist"),
        ("folder", "is a folder"),
        ("empty", "is empty (0 bytes)"),
        ("text", "is a text file"),
        ("svg", "is an SVG drawing"),
        ("bare svg", "is an SVG drawing"),
        ("heic", "is a HEIC picture"),
        ("jxl", "is a JPEG XL picture, which is not read here"),
        ("psd", "is a Photoshop document"),
        ("raf", "is a camera's RAW picture"),
        ("cr2", "is a camera's RAW picture"),
        ("cr3", "is a camera's RAW picture"),
        ("dng", "is a camera's RAW picture"),
        ("nef", "is a camera's RAW picture"),
        ("lfs", "is a Git LFS pointer"),
        ("no numbers", "none of its pixels is a number"),
        ("random", "is not a picture"),
        ("cut", "damaged or cut short"),
        ("cut jpeg", "damaged or cut short"),
        ("cut header", "damaged or cut short"),
        ("bomb", "is 30000x30000, 900 million pixels; the limit is 100 million"),
        ("no pixels", "damaged or cut short"),
        ("thread", "is only 10000x1 pixels"),
        ("ribbon", "is 2000x40, longer than 20:1"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_broken_picture_gets_one_line_with_its_name_and_the_reason(tmp_path: Path, kind: str, reason: str) -> None:
    path = broken_file(kind, tmp_path)
    with pytest.raises(PictureError) as caught:
        read_picture(path, 240, 160)
    message = str(caught.value)
    assert str(path) in message
    assert reason in message
    assert "\n" not in message


def test_limit_is_the_callers_and_pillows_own_stays_untouched(tmp_path: Path) -> None:
    before = Image.MAX_IMAGE_PIXELS
    path = save(gradient(100, 100), tmp_path / "p.png")
    with pytest.raises(PictureError, match="is 100x100"):
        read_picture(path, 32, 32, max_pixels=9_999)
    assert read_picture(path, 32, 32, max_pixels=10_000).rgb_HWC.shape == (32, 32, 3)
    assert before == Image.MAX_IMAGE_PIXELS

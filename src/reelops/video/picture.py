"""Reading the picture a clip starts from: any size, aspect, colour mode or format; what was done is in its notes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageFile

from reelops.clip import PictureFit
from reelops.errors import PictureError
from reelops.foreign import reading_foreign
from reelops.system.digest import sha256_of
from reelops.video.picture_colours import notes_on_depth, to_srgb
from reelops.video.picture_file import (
    FORMATS,
    MAX_PIXELS,
    decoded,
    looks_like_picture,
    opened_picture,
    turn_of,
)

__all__ = [
    "FORMATS",
    "MAX_PIXELS",
    "Picture",
    "PictureInfo",
    "check_shape",
    "fit_pixels",
    "looks_like_picture",
    "probe_picture",
    "read_picture",
    "read_pixels",
]

SMALLEST_SIDE = 16
LONGEST_ASPECT = 20
BARS = (0, 0, 0)

_LYING = {
    Image.Transpose.TRANSPOSE,
    Image.Transpose.ROTATE_270,
    Image.Transpose.TRANSVERSE,
    Image.Transpose.ROTATE_90,
}
"""Turns that make width of height."""


@dataclass(frozen=True)
class Picture:
    """A picture as a model gets it.

    Attributes:
        rgb_HWC: RGB uint8 (sRGB) at the size asked for.
        source_size: width and height of the file's picture, upright.
        sha256: of the file's bytes.
        notes: what was done that a person may want to know, one clause each.
    """

    rgb_HWC: np.ndarray
    source_size: tuple[int, int]
    sha256: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class PictureInfo:
    """What a picture file's header says; `width` and `height` are those shown upright."""

    path: Path
    size_bytes: int
    format: str
    mode: str
    width: int
    height: int
    num_frames: int


def read_picture(
    path: Path, width: int, height: int, fit: PictureFit = "crop", max_pixels: int = MAX_PIXELS
) -> Picture:
    """Reads a picture at `width` x `height` pixels.

    It is turned upright, brought to sRGB, laid over white where it is transparent, and scaled with an antialiasing
    filter. `crop` cuts off what is too much around the centre; `pad` shows all of it between black bars.

    Raises:
        PictureError: the file is missing, empty, cut short, no picture, of an unreadable format, larger than
            `max_pixels` (known from its header, before it is decoded) or 1 GB, of more than 10,000 frames, smaller than
            16 pixels on a side, or longer than 20:1.
        MachineError: this machine cannot read it now.
    """
    path = Path(path)
    if width < 1 or height < 1:
        raise PictureError(f"cannot make a picture of {width}x{height} pixels; give a width and a height above 0.")
    with opened_picture(path, max_pixels) as (image, frames):
        check_shape(path, *image.size)
        before = (*_notes_on_frames(image, frames), *notes_on_depth(image))
        rgb, notes = _upright_srgb(path, image, max_pixels)
    fitted, fit_notes = _fit(rgb, width, height, fit)
    with reading_foreign(path, PictureError, "cannot be read"):
        digest = sha256_of(path)
    return Picture(np.array(fitted), rgb.size, digest, (*before, *notes, *fit_notes))


def read_pixels(path: Path, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """A picture at its own size, upright: RGB uint8 (H, W, 3), sRGB, laid over white where it is transparent.

    Raises:
        PictureError: as `read_picture`, but for the smallest side and the aspect.
        MachineError: this machine cannot read it now.
    """
    path = Path(path)
    with opened_picture(path, max_pixels) as (image, _):
        rgb, _ = _upright_srgb(path, image, max_pixels)
    return np.array(rgb)


def fit_pixels(rgb_HWC: np.ndarray, width: int, height: int, fit: PictureFit = "crop") -> np.ndarray:
    """RGB uint8 of any size -> (height, width, 3), as `read_picture` brings a file's pixels to size."""
    return np.array(_fit(Image.fromarray(rgb_HWC), width, height, fit)[0])


def probe_picture(path: Path) -> PictureInfo:
    """What a picture's header says.

    Raises:
        PictureError: it is missing, empty, no picture, of an unreadable format, or beyond the limits of `read_picture`
            on its pixels, bytes and frames.
        MachineError: this machine cannot read it now.
    """
    path = Path(path)
    with opened_picture(path) as (image, frames):
        width, height = image.size
        if turn_of(path, image) in _LYING:
            width, height = height, width
        return PictureInfo(path, path.stat().st_size, image.format or "", image.mode, width, height, frames)


def _upright_srgb(path: Path, image: ImageFile.ImageFile, max_pixels: int) -> tuple[Image.Image, list[str]]:
    decoded(path, image, max_pixels)
    turn = turn_of(path, image)
    rgb, notes = to_srgb(path, image if turn is None else image.transpose(turn))
    return rgb, notes if turn is None else ["turned upright as its EXIF orientation says", *notes]


def check_shape(path: Path, width: int, height: int) -> None:
    """Fails on a picture that no clip can start from, whatever is in it.

    Raises:
        PictureError: it is smaller than 16 pixels on a side, or longer than 20:1.
    """
    if min(width, height) < SMALLEST_SIDE:
        raise PictureError(
            f"{path} is only {width}x{height} pixels; use one of at least {SMALLEST_SIDE}x{SMALLEST_SIDE}."
        )
    if max(width, height) > LONGEST_ASPECT * min(width, height):
        raise PictureError(
            f"{path} is {width}x{height}, longer than {LONGEST_ASPECT}:1; cut out the part that should move first."
        )


def _notes_on_frames(image: ImageFile.ImageFile, frames: int) -> tuple[str, ...]:
    if frames < 2 or image.format == "MPO":  # a camera's second picture is only a preview
        return ()
    return (f"the first of its {frames} {'pages' if image.format == 'TIFF' else 'animation frames'} is used",)


def _fit(image: Image.Image, width: int, height: int, fit: PictureFit) -> tuple[Image.Image, list[str]]:
    if fit == "crop":
        scale, fitted, note = _crop(image, width, height)
    else:
        scale, fitted, note = _pad(image, width, height)
    notes = [note] if note else []
    if scale > 1:
        notes.append(f"enlarged {scale:.2g} times from {image.width}x{image.height}, so it is soft")
    return fitted, notes


def _crop(image: Image.Image, width: int, height: int) -> tuple[float, Image.Image, str]:
    scale = max(width / image.width, height / image.height)
    box_width, box_height = min(image.width, width / scale), min(image.height, height / scale)
    left, top = (image.width - box_width) / 2, (image.height - box_height) / 2
    box = (left, top, left + box_width, top + box_height)
    note = ""
    if left >= 0.5 or top >= 0.5:
        note = f"cropped around its centre from {image.width}x{image.height} to {round(box_width)}x{round(box_height)}"
    return scale, image.resize((width, height), Image.Resampling.LANCZOS, box=box), note


def _pad(image: Image.Image, width: int, height: int) -> tuple[float, Image.Image, str]:
    scale = min(width / image.width, height / image.height)
    inner = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    canvas = Image.new("RGB", (width, height), BARS)
    canvas.paste(image.resize(inner, Image.Resampling.LANCZOS), ((width - inner[0]) // 2, (height - inner[1]) // 2))
    sides = "left and right" if inner[0] < width else "above and below"
    return scale, canvas, f"padded with black {sides}" if inner != (width, height) else ""

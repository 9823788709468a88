"""Reading the picture a clip starts from: any size, aspect, colour mode or format; what was done is in its notes."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image, ImageCms, ImageFile, ImageOps

from reelops.clip import PictureFit
from reelops.errors import PictureError
from reelops.system.digest import sha256_of

FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "TIFF", "GIF", "BMP", "JPEG2000", "PPM", "QOI")
MAX_PIXELS = 100_000_000
SMALLEST_SIDE = 16
LONGEST_ASPECT = 20
BEHIND_TRANSPARENCY = (255, 255, 255)
BARS = (0, 0, 0)

_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_DECODING_ERRORS = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, struct.error)
_EXIF_ORIENTATION = 0x0112


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
            `max_pixels` (known from its header, before it is decoded), smaller than 16 pixels on a side, or longer
            than 20:1.
    """
    path = Path(path)
    if width < 1 or height < 1:
        raise PictureError(f"cannot make a picture of {width}x{height} pixels; give a width and a height above 0.")
    with _opened(path) as file:
        image = _open_header(path, file)
        _check_size(path, image, max_pixels)
        notes = (*_notes_on_frames(image), *_notes_on_depth(image))
        try:
            image.load()
        except _DECODING_ERRORS as error:
            raise PictureError(
                f"{path} is damaged or cut short: {_reason(error)}. Copy or download it again."
            ) from error
        upright, turned = _upright(image)
        try:
            rgb, colour_notes = _to_srgb(upright)
        except ValueError as error:
            raise PictureError(f"{path} has colours ({upright.mode}) that cannot be read; save it as PNG.") from error
    fitted, fit_notes = _fit(rgb, width, height, fit)
    return Picture(np.array(fitted), rgb.size, sha256_of(path), (*notes, *turned, *colour_notes, *fit_notes))


def fit_pixels(rgb_HWC: np.ndarray, width: int, height: int, fit: PictureFit = "crop") -> np.ndarray:
    """RGB uint8 of any size -> (height, width, 3), as `read_picture` brings a file's pixels to size."""
    return np.array(_fit(Image.fromarray(rgb_HWC), width, height, fit)[0])


def probe_picture(path: Path) -> PictureInfo:
    """What a picture's header says, without decoding it.

    Raises:
        PictureError: it is missing, empty, no picture, or of an unreadable format.
    """
    path = Path(path)
    with _opened(path) as file:
        image = _open_header(path, file)
        width, height = image.size
        if _orientation(image) >= 5:
            width, height = height, width
        frames = getattr(image, "n_frames", 1)
        return PictureInfo(path, path.stat().st_size, image.format or "", image.mode, width, height, frames)


def looks_like_picture(path: Path) -> bool:
    """Whether the first bytes are those of a picture format that is read here."""
    if not Path(path).is_file():
        return False
    with Path(path).open("rb") as file:
        return _format_of(file.read(16)) is not None


def _opened(path: Path) -> IO[bytes]:
    if path.is_dir():
        raise PictureError(f"{path} is a folder, not a picture; name a file in it.")
    if not path.exists():
        raise PictureError(f"{path} does not exist; check the path.")
    if not path.is_file():
        raise PictureError(f"{path} is not an ordinary file; copy the picture to one first.")
    if path.stat().st_size == 0:
        raise PictureError(f"{path} is empty (0 bytes); copy or download it again.")
    try:
        return path.open("rb")
    except OSError as error:
        raise PictureError(f"{path} cannot be read: {error.strerror}; check its permissions.") from error


def _format_of(start: bytes) -> str | None:
    Image.init()
    for name in FORMATS:
        accept = Image.OPEN[name][1]
        # Pillow's own tests answer with a text where the format is right but its codec is missing.
        if accept is not None and accept(start) is True:
            return name
    return None


def _open_header(path: Path, file: IO[bytes]) -> ImageFile.ImageFile:
    """Reads the header only.

    The format's reader is called directly: `Image.open` would warn of and refuse large pictures by a limit that is
    global to the process, and would say no size.
    """
    start = file.read(512)
    name = _format_of(start[:16])
    if name is None:
        raise PictureError(f"{path} {_what_else_it_is(start)}")
    file.seek(0)
    try:
        image = Image.OPEN[name][0](file, str(path))
    except _DECODING_ERRORS as error:
        raise PictureError(f"{path} is damaged or cut short: its {name} header cannot be read.") from error
    if not isinstance(image, ImageFile.ImageFile) or 0 in image.size:
        raise PictureError(f"{path} has no pixels ({image.size[0]}x{image.size[1]}); use another picture.")
    return image


def _what_else_it_is(start: bytes) -> str:
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start[4:8] == b"ftyp" and start[8:12] in _HEIC_BRANDS:
        return "is a HEIC picture, which is not read here; save it as JPEG or PNG first."
    if text.startswith(b"<svg") or (text.startswith((b"<?xml", b"<!--", b"<!doctype")) and b"<svg" in text):
        return "is an SVG drawing, which has no pixels; export it as PNG first."
    if text.startswith(b"%pdf"):
        return "is a PDF document; export its page as PNG first."
    if start[4:8] == b"ftyp" or start[:4] == b"\x1a\x45\xdf\xa3":
        return "is a video, not a picture; save one of its frames as PNG first."
    if b"\0" not in start and _is_text(start):
        return "is a text file, not a picture; use PNG, JPEG, WebP, AVIF, TIFF, GIF or BMP."
    return "is not a picture, or of a format not read here; use PNG, JPEG, WebP, AVIF, TIFF, GIF or BMP."


def _is_text(start: bytes) -> bool:
    try:
        start.decode()
    except UnicodeDecodeError as error:
        return error.start > len(start) - 4  # a character cut at the end
    return True


def _check_size(path: Path, image: Image.Image, max_pixels: int) -> None:
    width, height = image.size
    if width * height > max_pixels:
        raise PictureError(
            f"{path} is {width}x{height}, {width * height / 1e6:,.0f} million pixels; the limit is "
            f"{max_pixels / 1e6:,.0f} million. Make it smaller first."
        )
    if min(width, height) < SMALLEST_SIDE:
        raise PictureError(
            f"{path} is only {width}x{height} pixels; use one of at least {SMALLEST_SIDE}x{SMALLEST_SIDE}."
        )
    if max(width, height) > LONGEST_ASPECT * min(width, height):
        raise PictureError(
            f"{path} is {width}x{height}, longer than {LONGEST_ASPECT}:1; cut out the part that should move first."
        )


def _notes_on_frames(image: ImageFile.ImageFile) -> tuple[str, ...]:
    frames = getattr(image, "n_frames", 1)
    if frames < 2 or image.format == "MPO":  # a camera's second picture is only a preview
        return ()
    return (f"the first of its {frames} {'pages' if image.format == 'TIFF' else 'animation frames'} is used",)


def _notes_on_depth(image: ImageFile.ImageFile) -> tuple[str, ...]:
    """On colour of 16 bits, which Pillow scales down while decoding; deep grey is `_to_8_bit`'s."""
    deep = not image.mode.startswith("I") and any(";16" in str(tile[3]) for tile in image.tile)
    return ("reduced from 16 to 8 bits a channel",) if deep else ()


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_EXIF_ORIENTATION, 1))
    except _DECODING_ERRORS:
        return 1


def _upright(image: Image.Image) -> tuple[Image.Image, tuple[str, ...]]:
    if _orientation(image) not in range(2, 9):
        return image, ()
    return ImageOps.exif_transpose(image), ("turned upright as its EXIF orientation says",)


def _to_srgb(image: Image.Image) -> tuple[Image.Image, list[str]]:
    """RGB, 8 bits a channel, opaque; and what that took."""
    notes: list[str] = []
    image = _to_8_bit(image, notes)
    alpha = _alpha_of(image)
    if image.mode in ("LA", "La"):
        image = image.convert("L")
    elif alpha is not None or image.mode == "P":
        image = image.convert("RGBA").convert("RGB")
    image = _apply_profile(image, notes)
    if image.mode == "CMYK":
        notes.append("converted from CMYK without a colour profile, so colours may be off")
    elif image.mode in ("L", "1"):
        notes.append("greyscale, so the clip starts in grey")
    rgb = image if image.mode == "RGB" else image.convert("RGB")
    if alpha is not None and alpha.getextrema()[0] != 255:
        notes.append("its transparent parts are laid over white")
        backdrop = Image.new("RGB", rgb.size, BEHIND_TRANSPARENCY)
        backdrop.paste(rgb, mask=alpha)
        rgb = backdrop
    return rgb, notes


def _to_8_bit(image: Image.Image, notes: list[str]) -> Image.Image:
    """Scales deeper grey to 8 bits, which Pillow would clip."""
    if image.mode.startswith(("I", "F")):
        values = np.nan_to_num(np.asarray(image, dtype=np.float64))
        depth, full = _full_scale(image.mode, values)
        notes.append(f"reduced from {depth} to 8 bits a channel")
        return Image.fromarray(np.clip(np.round(values / full * 255), 0, 255).astype(np.uint8))
    return image


def _full_scale(mode: str, values: np.ndarray) -> tuple[str, float]:
    largest = float(values.max(initial=0.0))
    if mode.startswith("F"):
        return "floating point", 1.0 if largest <= 1 else max(largest, 255.0)
    return ("16", 65535.0) if largest <= 65535 else ("32", max(largest, 1.0))


def _alpha_of(image: Image.Image) -> Image.Image | None:
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La"):
        return image.convert("RGBA").getchannel("A")
    if "transparency" in image.info and image.mode in ("P", "L", "RGB", "1"):
        return image.convert("RGBA").getchannel("A")
    return None


def _apply_profile(image: Image.Image, notes: list[str]) -> Image.Image:
    embedded = image.info.get("icc_profile")
    if image.mode not in ("RGB", "CMYK", "L", "LAB") or (not embedded and image.mode != "LAB"):
        return image
    try:
        own = io.BytesIO(embedded) if embedded else ImageCms.createProfile("LAB")
        profile = ImageCms.ImageCmsProfile(own)
        name = ImageCms.getProfileDescription(profile).strip()
        if image.mode == "RGB" and "srgb" in name.lower():
            return image
        converted = ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        notes.append("its embedded colour profile cannot be used, so colours may be off")
        return image
    notes.append(f"converted from {'CMYK, ' if image.mode == 'CMYK' else ''}colour profile {name or 'unnamed'} to sRGB")
    return converted or image


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


def _reason(error: Exception) -> str:
    return str(error).rstrip(".") or type(error).__name__

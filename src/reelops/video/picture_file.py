"""Picture files of strangers: which format, how large, and their pixels; within limits, and by `reading_foreign`.

Pillow opens and decodes them. What its parsers raise at damaged bytes is nowhere listed, so none of it is caught by
name, and what a file may cost is bounded before they are asked: bytes, pixels, frames, and how often a parser reads.
"""

from __future__ import annotations

import io
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from os import stat_result
from pathlib import Path
from typing import IO, Any

from PIL import Image, ImageFile

from reelops.addresses import told_missing
from reelops.errors import Fault, PictureError, ReelOpsError, fault_of
from reelops.foreign import IS_POINTER, machine_error_on_read, reading_foreign, reason_of, starts_a_pointer

FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "TIFF", "GIF", "BMP", "JPEG2000", "PPM", "QOI")
MAX_PIXELS = 100_000_000
MAX_BYTES = 1_000_000_000
MAX_FRAMES = 10_000
"""A real animation has some thousands at most, and Pillow's time for a TIFF's pages grows with their square."""
MAX_READS = 5_000_000
"""Pillow reads headers and chunks in Python, a few bytes a call; so many take seconds. Sound files of 100 million
pixels need some hundred thousand: an IDAT chunk every 4 kB, or a GIF block every 255 bytes."""

_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_OTHER_PICTURES = (
    (b"\xff\x0a", "a JPEG XL picture"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL picture"),
    (b"8BPS", "a Photoshop document"),
    (b"\x76\x2f\x31\x01", "an OpenEXR picture"),
    (b"\0\0\1\0", "an icon"),
    *((start, "a camera's RAW picture") for start in (b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"IIU\0")),
)
_EXPORT = "which is not read here; save it as JPEG or PNG first."
_DNG_VERSION, _SUBFILE_TYPE, _SUB_IFDS = 50706, 254, 330
_REDUCED = 1
_DAMAGED = "is damaged or cut short"
_EXIF_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def looks_like_picture(path: Path) -> bool:
    """Whether the first bytes are those of a picture format that is read here; False where there is no such file."""
    try:
        with _opened(Path(path)) as file:
            return _format_of(file.read(16)) is not None
    except PictureError:
        return False


@contextmanager
def opened_picture(path: Path, max_pixels: int = MAX_PIXELS) -> Iterator[tuple[ImageFile.ImageFile, int]]:
    """A picture's header, nothing of it decoded, and how many frames or pages it has.

    The format's reader is called directly: `Image.open` would warn of and refuse large pictures by a limit that is
    global to the process, and would say no size.

    Raises:
        PictureError: there is no such file, it cannot be parsed, or it is beyond the limits.
        MachineError: this machine cannot read it now.
    """
    with _opened(path) as file:
        start = file.read(512)
        name = _format_of(start[:16])
        if name is None or _is_canon_raw(start):
            raise PictureError(f"{path} {_what_else_it_is(start)}")
        if name == "WEBP" and (size := _webp_size(start)):
            _check_pixels(path, size, max_pixels)  # its reader makes room for the canvas before it says how large it is
        file.seek(0)
        with _parsing(path, max_pixels, f"{_DAMAGED}: its {name} header cannot be read"):
            image = Image.OPEN[name][0](file, str(path))
        if not isinstance(image, ImageFile.ImageFile) or min(image.size) < 1:
            raise PictureError(f"{path} has no pixels ({image.size[0]}x{image.size[1]}); use another picture.")
        if name == "TIFF" and _is_raw(image):
            raise PictureError(f"{path} is a camera's RAW picture, {_EXPORT}")
        _check_pixels(path, image.size, max_pixels)
        yield image, _frames_of(path, image, max_pixels)


def decoded(path: Path, image: ImageFile.ImageFile, max_pixels: int = MAX_PIXELS) -> None:
    """Decodes what `opened_picture` gave; of an animation its first frame.

    Raises:
        PictureError: it is damaged.
    """
    with _parsing(path, max_pixels, _DAMAGED):
        image.load()
    _check_pixels(path, image.size, max_pixels)


def turn_of(path: Path, image: Image.Image) -> Image.Transpose | None:
    """What turns it upright as its EXIF says; None where EXIF says nothing, or nothing that can be read."""
    try:
        with _parsing(path, MAX_PIXELS, "has EXIF that cannot be read"):
            return _TURNS.get(int(image.getexif().get(_EXIF_ORIENTATION, 1)))
    except PictureError:
        return None


def _check_pixels(path: Path, size: tuple[int, int], max_pixels: int) -> None:
    """Refuses a picture of more pixels than a limit."""
    width, height = size
    if width * height > max_pixels:
        raise PictureError(
            f"{path} is {width}x{height}, {width * height / 1e6:,.0f} million pixels; {_limit(max_pixels)}. Make it "
            "smaller first."
        )


@contextmanager
def _parsing(path: Path, max_pixels: int, what_is_wrong: str) -> Iterator[None]:
    try:
        # Pillow warns of odd EXIF and the like in two lines that name its own source, which help nobody.
        with warnings.catch_warnings(action="ignore"), reading_foreign(path, PictureError, what_is_wrong):
            yield
    except PictureError as error:
        if isinstance(error.__cause__, Image.DecompressionBombError):  # a frame that is larger than its animation
            raise PictureError(
                f"{path} has a frame far larger than its header says; {_limit(max_pixels)} pixels. Make it smaller "
                "first."
            ) from error
        raise


def _limit(max_pixels: int) -> str:
    return f"the limit is {max_pixels / 1e6:,.0f} million"


class _BoundedReads(io.BufferedReader):
    """A file that is read so often and no more, and never for more than it has."""

    def __init__(self, path: Path, raw: io.RawIOBase) -> None:
        super().__init__(raw)
        self._path, self._left = path, MAX_READS

    def read(self, size: int | None = -1, /) -> bytes:
        self._left -= 1
        if self._left < 0:
            raise PictureError(f"{self._path} is cut into millions of parts; open it elsewhere and save it as PNG.")
        # Room is made for as much as is asked for, and a damaged length may ask for any amount.
        return super().read(-1 if size is not None and size > MAX_BYTES else size)


def _opened(path: Path) -> IO[bytes]:
    status = _status(path)
    if stat.S_ISDIR(status.st_mode):
        raise PictureError(f"{path} is a folder, not a picture; name a file in it.")
    if not stat.S_ISREG(status.st_mode):
        raise PictureError(f"{path} is not an ordinary file; copy the picture to one first.")
    if status.st_size == 0:
        raise PictureError(f"{path} is empty (0 bytes); copy or download it again.")
    if status.st_size > MAX_BYTES:
        raise PictureError(
            f"{path} has {status.st_size / 1e6:,.0f} MB; the limit for a picture is {MAX_BYTES / 1e6:,.0f} MB. Save it "
            "smaller first."
        )
    try:
        return _BoundedReads(path, path.open("rb", buffering=0))
    except OSError as error:
        raise _cannot_be_read(path, error) from error


def _status(path: Path) -> stat_result:
    try:
        return path.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:  # no name has a NUL in it
        raise PictureError(told_missing(path)) from error
    except OSError as error:
        raise _cannot_be_read(path, error) from error


def _cannot_be_read(path: Path, error: OSError) -> ReelOpsError:
    if fault_of(error) is Fault.MACHINE:
        return machine_error_on_read(path, error)
    return PictureError(f"{path} cannot be read: {reason_of(error)}; check its name and permissions.")


def _format_of(start: bytes) -> str | None:
    Image.init()
    for name in FORMATS:
        accept = Image.OPEN[name][1]
        # Pillow's own tests answer with a text where the format is right but its codec is missing.
        if accept is not None and accept(start) is True:
            return name
    return None


def _webp_size(start: bytes) -> tuple[int, int] | None:
    """The canvas, as RFC 9649 lays out the three kinds of a file's first chunk."""
    kind = start[12:16]
    if kind == b"VP8X" and len(start) >= 30:
        return int.from_bytes(start[24:27], "little") + 1, int.from_bytes(start[27:30], "little") + 1
    if kind == b"VP8L" and len(start) >= 25:
        bits = int.from_bytes(start[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 " and len(start) >= 30:
        return int.from_bytes(start[26:28], "little") & 0x3FFF, int.from_bytes(start[28:30], "little") & 0x3FFF
    return None


def _frames_of(path: Path, image: ImageFile.ImageFile, max_pixels: int) -> int:
    with _parsing(path, max_pixels, _DAMAGED):
        frames = _pages(image) if image.format == "TIFF" else int(getattr(image, "n_frames", 1))
    if frames > MAX_FRAMES:
        raise PictureError(f"{path} has more than {MAX_FRAMES:,} frames or pages; save one of them as PNG.")
    return frames


def _pages(image: Any) -> int:
    """How many pages a TIFF has; no further than one beyond the limit."""
    pages = 1
    try:
        while pages <= MAX_FRAMES:
            image.seek(pages)
            pages += 1
    except EOFError:
        pass
    image.seek(0)
    return pages


def _is_canon_raw(start: bytes) -> bool:
    """CR2, a TIFF by its first bytes, or CR3."""
    return (start[8:10] == b"CR" and start[:2] in (b"II", b"MM")) or start[4:12] == b"ftypcrx "


def _is_raw(image: Any) -> bool:
    """Whether the first page of a TIFF is only the preview of what a camera's sensor saw: DNG, NEF, ARW."""
    tags = image.tag_v2
    reduced = tags.get(_SUBFILE_TYPE) or 0
    return _DNG_VERSION in tags or (isinstance(reduced, int) and bool(reduced & _REDUCED) and _SUB_IFDS in tags)


def _what_else_it_is(start: bytes) -> str:
    if starts_a_pointer(start):
        return IS_POINTER
    if _is_canon_raw(start):
        return f"is a camera's RAW picture, {_EXPORT}"
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start[4:8] == b"ftyp" and start[8:12] in _HEIC_BRANDS:
        return f"is a HEIC picture, {_EXPORT}"
    if other := next((words for first, words in _OTHER_PICTURES if start.startswith(first)), None):
        return f"is {other}, {_EXPORT}"
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

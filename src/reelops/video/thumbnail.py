"""One small picture that stands for a video."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image

from reelops.errors import PictureError
from reelops.system.files import write_atomically
from reelops.video.decode import read_frames
from reelops.video.probe import probe

_FORMAT_OF_SUFFIX = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
_QUALITY = 90


def thumbnail(source: Path | np.ndarray, longest_side: int = 320, at: Fraction | None = None) -> Image.Image:
    """A video's frame, scaled down to fit.

    Args:
        source: a video, or frames (T, H, W, 3) RGB uint8, of which the middle one is taken.
        longest_side: in pixels; a smaller video is not enlarged.
        at: seconds after a file's first frame; None takes the middle, as clips often begin in black.

    Raises:
        VideoError: the video cannot be read, or is over before `at`.
    """
    frame = source[len(source) // 2] if isinstance(source, np.ndarray) else _frame_at(Path(source), at)
    picture = Image.fromarray(frame)
    picture.thumbnail((longest_side, longest_side), Image.Resampling.LANCZOS, reducing_gap=None)
    return picture


def write_picture(picture: Image.Image, path: Path) -> None:
    """Writes a PNG, JPEG or WebP by the path's suffix, whole or not at all; the same picture gives the same bytes.

    Raises:
        PictureError: the suffix is another one.
    """
    kind = _FORMAT_OF_SUFFIX.get(path.suffix.lower())
    if kind is None:
        raise PictureError(f"cannot write {path.name}: pictures are written as {', '.join(_FORMAT_OF_SUFFIX)}.")
    with write_atomically(path) as partial:
        picture.save(partial, kind, quality=_QUALITY)


def _frame_at(path: Path, at: Fraction | None) -> np.ndarray:
    info = probe(path)
    moment = info.duration / 2 if at is None else at
    return next(read_frames(path, start=moment, fps=info.fps, on_damage=lambda _: None)).frame_HWC

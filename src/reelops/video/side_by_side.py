"""Two clips in one picture, so that they play in step wherever videos play."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from PIL import Image, ImageDraw

from reelops.errors import VideoError
from reelops.video.lettering import cut_to, draw_text

_BACKGROUND = (24, 24, 27)
_TEXT = (228, 228, 231)
_LABEL_SHARE = 0.11
_SMALLEST_LABEL = 16
_LETTER_SHARE = 0.68
_MARGIN = 6


def side_by_side(
    left: Iterable[np.ndarray], right: Iterable[np.ndarray], labels: tuple[str, str], gap: int = 4
) -> Iterator[np.ndarray]:
    """Frames of both clips beside each other under their labels, with a thin gap between.

    Args:
        left, right: RGB uint8 (H, W, 3), the same number and size of both; read one by one.
        labels: what stands above each.
        gap: pixels between them.

    Raises:
        VideoError: they differ in size or number.
    """
    header: np.ndarray | None = None
    try:
        for one, other in zip(left, right, strict=True):
            if one.shape != other.shape:
                raise VideoError(f"a frame is {_size(one)} on the left and {_size(other)} on the right; give one size.")
            if header is None:
                header = _header(labels, one.shape[1], max(_SMALLEST_LABEL, round(one.shape[0] * _LABEL_SHARE)), gap)
            between = np.full((one.shape[0], gap, 3), _BACKGROUND, np.uint8)
            yield np.vstack([header, np.hstack([one, between, other])])
    except ValueError as error:
        raise VideoError("one of the two clips has fewer frames than the other; give clips of one length.") from error


def _header(labels: tuple[str, str], width: int, height: int, gap: int) -> np.ndarray:
    picture = Image.new("RGB", (2 * width + gap, height), _BACKGROUND)
    draw, size = ImageDraw.Draw(picture), round(height * _LETTER_SHARE)
    for number, label in enumerate(labels):
        words = cut_to(label, size, width - 2 * _MARGIN)
        draw_text(draw, (number * (width + gap) + _MARGIN, height / 2), words, _TEXT, size, "lm")
    return np.array(picture)


def _size(frame_HWC: np.ndarray) -> str:
    return f"{frame_HWC.shape[1]}x{frame_HWC.shape[0]}"

"""A clip at a glance: evenly spaced frames on one sheet, each with its number and time."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from reelops.errors import VideoError

_BACKGROUND = (24, 24, 27)
_TEXT = (228, 228, 231)
_MUTED = (161, 161, 170)
_MARGIN = 20
_GAP = 12
_LABEL_SIZE = 15
_TITLE_SIZE = 20
_LINE = 1.35


def contact_sheet(
    frames_THWC: np.ndarray,
    fps: Fraction | None = None,
    columns: int = 4,
    count: int = 12,
    labels: Sequence[str] | None = None,
    title: str = "",
    cell_width: int = 320,
) -> Image.Image:
    """Frames side by side on a dark sheet.

    Args:
        frames_THWC: RGB uint8, at least one frame.
        fps: frames per second, for the time in each label.
        columns: frames in a row.
        count: at most so many frames, evenly spaced, with the first and the last among them.
        labels: one for each chosen frame, instead of number and time.
        title: a line or more above the frames, such as the prompt.
        cell_width: of each frame in pixels; its height follows the clip's aspect.

    Raises:
        VideoError: there are no frames, or not one label a frame.
    """
    if not len(frames_THWC) or count < 1 or columns < 1:
        raise VideoError("a contact sheet needs at least one frame, one column and a count of one.")
    chosen = evenly_spaced(len(frames_THWC), count)
    captions = list(labels) if labels is not None else [_caption(number, fps) for number in chosen]
    if len(captions) != len(chosen):
        raise VideoError(f"{len(captions)} labels were given for {len(chosen)} frames; give one each.")
    cells = [_scaled(frames_THWC[number], cell_width) for number in chosen]
    return _laid_out(cells, captions, min(columns, len(cells)), title)


def evenly_spaced(total: int, count: int) -> list[int]:
    """At most `count` different numbers from 0 to total - 1, the first and the last among them."""
    return sorted({round(number) for number in np.linspace(0, total - 1, min(count, total)).tolist()})


def _caption(number: int, fps: Fraction | None) -> str:
    return f"frame {number}" if fps is None else f"frame {number}\t{float(number / fps):.2f} s"


def _scaled(frame_HWC: np.ndarray, width: int) -> Image.Image:
    picture = Image.fromarray(frame_HWC)
    height = max(1, round(width * picture.height / picture.width))
    return picture.resize((width, height), Image.Resampling.LANCZOS)


def _laid_out(cells: list[Image.Image], captions: list[str], columns: int, title: str) -> Image.Image:
    label_font, title_font = ImageFont.load_default(_LABEL_SIZE), ImageFont.load_default(_TITLE_SIZE)
    cell_width, cell_height = cells[0].size
    label_height = round(_LABEL_SIZE * _LINE) + 4
    width = 2 * _MARGIN + columns * cell_width + (columns - 1) * _GAP
    title_lines = _wrapped(title, title_font, width - 2 * _MARGIN)
    top = _MARGIN + len(title_lines) * round(_TITLE_SIZE * _LINE) + (_GAP if title_lines else 0)
    rows = -(-len(cells) // columns)
    height = top + rows * (cell_height + label_height) + (rows - 1) * _GAP + _MARGIN - 4
    sheet = Image.new("RGB", (width, height), _BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    for line, text in enumerate(title_lines):
        draw.text((_MARGIN, _MARGIN + line * round(_TITLE_SIZE * _LINE)), text, _TEXT, title_font, anchor="la")
    for index, (cell, caption) in enumerate(zip(cells, captions, strict=True)):
        left = _MARGIN + index % columns * (cell_width + _GAP)
        upper = top + index // columns * (cell_height + label_height + _GAP)
        sheet.paste(cell, (left, upper))
        words, _, time = caption.partition("\t")
        below = upper + cell_height + 5
        draw.text((left, below), words, _MUTED, label_font, anchor="la")
        draw.text((left + cell_width, below), time, _TEXT, label_font, anchor="ra")
    return sheet


def _wrapped(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> list[str]:
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines

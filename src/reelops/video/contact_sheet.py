"""A clip at a glance: evenly spaced frames on one sheet, each with its number and time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from PIL import Image, ImageDraw

from reelops.errors import VideoError
from reelops.video.lettering import direction_of, draw_text, wrapped
from reelops.video.marking import marked

_BACKGROUND = (24, 24, 27)
_TEXT = (228, 228, 231)
_MUTED = (161, 161, 170)
_MARGIN = 20
_GAP = 12
_LABEL_SIZE = 15
_TITLE_SIZE = 20
_LINE = 1.35
_MOST_TITLE_LINES = 3


@dataclass(frozen=True)
class Mark:
    """A frame of a clip, by number, and what of it is marked; see `marked`."""

    frame: int
    box: tuple[float, float, float, float] | None = None
    heat: Sequence[Sequence[float]] | None = None

    def on(self, frame_HWC: np.ndarray) -> np.ndarray:
        """The frame with the mark."""
        return marked(frame_HWC, self.box, self.heat)


def contact_sheet(
    frames_THWC: np.ndarray,
    fps: Fraction | None = None,
    columns: int = 4,
    count: int = 12,
    labels: Sequence[str] | None = None,
    title: str = "",
    title_ending: str = "",
    cell_width: int = 320,
    mark: Mark | None = None,
) -> Image.Image:
    """Frames side by side on a dark sheet.

    Args:
        frames_THWC: RGB uint8, at least one frame.
        fps: frames per second, for the time in each label.
        columns: frames in a row.
        count: at most so many frames, evenly spaced, with the first and the last among them.
        labels: one for each chosen frame, instead of number and time.
        title: up to three lines above the frames, such as the prompt; what is over is cut.
        title_ending: stands behind the title, even where that is cut.
        cell_width: of each frame in pixels; its height follows the clip's aspect.
        mark: a frame to show, marked, in place of the nearest of the others but the first.

    Raises:
        VideoError: there are no frames, or not one label a frame.
    """
    if not len(frames_THWC) or count < 1 or columns < 1:
        raise VideoError("a contact sheet needs at least one frame, one column and a count of one.")
    chosen = evenly_spaced(len(frames_THWC), count)
    if mark is not None and len(chosen) > 1:
        nearest = min(range(1, len(chosen)), key=lambda place: abs(chosen[place] - mark.frame))
        chosen[nearest] = mark.frame
    captions = list(labels) if labels is not None else [_caption(number, fps) for number in chosen]
    if len(captions) != len(chosen):
        raise VideoError(f"{len(captions)} labels were given for {len(chosen)} frames; give one each.")
    cells = [
        _scaled(mark.on(frames_THWC[number]) if mark and number == mark.frame else frames_THWC[number], cell_width)
        for number in chosen
    ]
    return _laid_out(cells, captions, min(columns, len(cells)), title, title_ending)


def evenly_spaced(total: int, count: int) -> list[int]:
    """At most `count` different numbers from 0 to total - 1, the first and the last among them."""
    return sorted({round(number) for number in np.linspace(0, total - 1, min(count, total)).tolist()})


def _caption(number: int, fps: Fraction | None) -> str:
    return f"frame {number}" if fps is None else f"frame {number}\t{float(number / fps):.2f} s"


def _scaled(frame_HWC: np.ndarray, width: int) -> Image.Image:
    picture = Image.fromarray(frame_HWC)
    height = max(1, round(width * picture.height / picture.width))
    return picture.resize((width, height), Image.Resampling.LANCZOS)


def _laid_out(cells: list[Image.Image], captions: list[str], columns: int, title: str, ending: str) -> Image.Image:
    cell_width, cell_height = cells[0].size
    label_height = round(_LABEL_SIZE * _LINE) + 4
    width = 2 * _MARGIN + columns * cell_width + (columns - 1) * _GAP
    title_lines = wrapped(title, _TITLE_SIZE, width - 2 * _MARGIN, _MOST_TITLE_LINES, ending)
    top = _MARGIN + len(title_lines) * round(_TITLE_SIZE * _LINE) + (_GAP if title_lines else 0)
    rows = -(-len(cells) // columns)
    height = top + rows * (cell_height + label_height) + (rows - 1) * _GAP + _MARGIN - 4
    sheet = Image.new("RGB", (width, height), _BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    side, anchor = (_MARGIN, "la") if direction_of(title) == "ltr" else (width - _MARGIN, "ra")
    for line, text in enumerate(title_lines):
        draw_text(draw, (side, _MARGIN + line * round(_TITLE_SIZE * _LINE)), text, _TEXT, _TITLE_SIZE, anchor)
    for index, (cell, caption) in enumerate(zip(cells, captions, strict=True)):
        left = _MARGIN + index % columns * (cell_width + _GAP)
        upper = top + index // columns * (cell_height + label_height + _GAP)
        sheet.paste(cell, (left, upper))
        words, _, time = caption.partition("\t")
        below = upper + cell_height + 5
        draw_text(draw, (left, below), words, _MUTED, _LABEL_SIZE)
        draw_text(draw, (left + cell_width, below), time, _TEXT, _LABEL_SIZE, "ra")
    return sheet

"""Where in a clip something was seen: a moment, a region, and how it is spread over the picture."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Place:
    """A place in a clip.

    Attributes:
        frame: from 0; None where all of the clip is meant.
        since: the frame from which on it shows, where it comes slowly.
        box: left, top, right and bottom as shares of the picture; None where all of it is meant.
        heat: how much each cell of a grid counts, row by row, [0, 1]; None where there is no such grid.
    """

    frame: int | None = None
    box: Box | None = None
    heat: tuple[tuple[float, ...], ...] | None = None
    since: int | None = None

    @classmethod
    def of_heat(cls, frame: int | None, values_hw: np.ndarray | None = None) -> Place:
        """Where values from 0 stand out in a frame; None speaks of all of it."""
        most = 0.0 if values_hw is None else float(values_hw.max())
        if values_hw is None or most <= 0:
            return cls(frame)
        heat = tuple(tuple(round(float(value), 2) for value in row) for row in values_hw / most)
        return cls(frame, region_around(values_hw), heat)

    def of_clip(self, first: int, every: int) -> Place:
        """The same place by the clip's own frames, of which `first` was 0, and `every` lie from one to the next."""
        frame, since = (None if one is None else first + one * every for one in (self.frame, self.since))
        return replace(self, frame=frame, since=since)

    def words(self, fps: float) -> str:
        """For people: `at 1.5 s, on the left above`, `from 0.5 s on, most at 1.5 s`; "" where the clip is meant."""
        when = "" if self.frame is None else f"at {self.frame / fps:.1f} s"
        if self.since is not None:
            when = f"from {self.since / fps:.1f} s on, most {when}"
        where = "" if self.box is None else _side(self.box)
        return ", ".join(word for word in (when, where) if word)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values but for the heat; null where all is meant."""
        box = None if self.box is None else [round(edge, 3) for edge in self.box]
        return {"frame": self.frame, "since": self.since, "box": box}


def region_around(heat_hw: np.ndarray) -> Box | None:
    """The part of a grid of values from 0 that stands out together with the largest; None where all does, or nothing.

    It is grown from the largest value over neighbours that have at least half of what that has beyond the median.
    """
    height, width = heat_hw.shape
    usual, most = float(np.median(heat_hw)), float(heat_hw.max())
    if most <= usual + 1e-9:
        return None
    out = heat_hw >= usual + (most - usual) / 2
    row, column = np.unravel_index(int(np.argmax(heat_hw)), heat_hw.shape)
    part = np.zeros_like(out)
    part[row, column] = True
    while True:
        grown = part.copy()
        grown[1:] |= part[:-1]
        grown[:-1] |= part[1:]
        grown[:, 1:] |= part[:, :-1]
        grown[:, :-1] |= part[:, 1:]
        grown &= out
        if (grown == part).all():
            break
        part = grown
    rows, columns = np.flatnonzero(part.any(axis=1)), np.flatnonzero(part.any(axis=0))
    box = columns[0] / width, rows[0] / height, (columns[-1] + 1) / width, (rows[-1] + 1) / height
    whole = (box[2] - box[0]) * (box[3] - box[1]) > 0.8
    return None if whole else (float(box[0]), float(box[1]), float(box[2]), float(box[3]))


def _side(box: Box) -> str:
    left, top, right, bottom = box
    across = (
        ""
        if right - left > 0.7
        else ("on the left", "in the middle", "on the right")[min(2, int(1.5 * (left + right)))]
    )
    down = "" if bottom - top > 0.7 else ("above", "", "below")[min(2, int(1.5 * (top + bottom)))]
    return f"{across} {down}".strip()

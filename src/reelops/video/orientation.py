"""How stored frames turn into shown ones: the quarter turns and mirrorings of a display matrix."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Orientation:
    """Transposes first (rows become columns), then mirrors; the eight ways a picture can lie."""

    transpose: bool = False
    mirror_x: bool = False
    mirror_y: bool = False

    @classmethod
    def from_matrix(cls, matrix: tuple[int, ...]) -> Orientation:
        """Of the 3x3 matrix (a b u, c d v, x y w) that shows the stored pixel (p, q) at (a p + c q, b p + d q).

        Source: ISO/IEC 14496-12 section 8.3.2.3. Angles between quarter turns count as the nearest.
        """
        a, b, _, c, d = matrix[:5]
        if abs(b) + abs(c) > abs(a) + abs(d):
            return cls(transpose=True, mirror_x=c < 0, mirror_y=b < 0)
        return cls(mirror_x=a < 0, mirror_y=d < 0)

    @classmethod
    def of_turn(cls, degrees: int) -> Orientation:
        """Of a turn counter-clockwise from the stored to the shown picture; the nearest quarter turn counts."""
        quarters = round(degrees / 90) % 4
        return cls(transpose=quarters % 2 == 1, mirror_x=quarters >= 2, mirror_y=quarters in (1, 2))

    @classmethod
    def of_frame(cls, frame: Any) -> Orientation:
        """Of a decoded PyAV frame; upright where it carries no display matrix."""
        try:
            matrix = frame.side_data.get("DISPLAYMATRIX")
        except ValueError:  # PyAV gives none of a frame's notes where it does not know one of their kinds
            return cls.of_turn(frame.rotation)
        return cls() if matrix is None else cls.from_matrix(struct.unpack("=9i", bytes(matrix)))

    @property
    def mirrored(self) -> bool:
        return self.transpose ^ self.mirror_x ^ self.mirror_y

    @property
    def rotation(self) -> int:
        """Degrees counter-clockwise from stored to shown, after any left-to-right mirroring: 0, 90, 180 or 270."""
        if self.transpose:
            return 270 if self.mirror_x else 90
        return 180 if self.mirror_y else 0

    def shown_size(self, width: int, height: int) -> tuple[int, int]:
        """Stored to shown size, and back: a turn is its own inverse here."""
        return (height, width) if self.transpose else (width, height)

    def apply(self, frame_HWC: np.ndarray) -> np.ndarray:
        shown = frame_HWC.swapaxes(0, 1) if self.transpose else frame_HWC
        shown = shown[:: -1 if self.mirror_y else 1, :: -1 if self.mirror_x else 1]
        return np.ascontiguousarray(shown)

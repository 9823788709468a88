"""A frame against the picture it came from, brought onto it along the motion: cell by cell, and as a whole."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from reelops.metrics.view import View
from reelops.optical_flow.warp import along

# A side of a cell, at working size: a tenth of the picture's height.
_CELL = 16

# Fine detail is lost by looking between pixels; both sides are blurred by so much first.
_BLUR = 1.0

# Of a cell so much must be known, and of the picture so many cells.
_KNOWN = 0.6
_LEAST_CELLS = 10
_LEAST_SHARE = 0.15

# Contrast in grey levels from which on a cell has something to compare.
_TEXTURED = 4.0
_LEAST_TEXTURED = 8

# Correlation with the picture from which on shapes are the same.
_SAME = 0.6
_LEAST_CHROMA = 4.0

(_Y, _CR, _CB, _SQUARE, _EDGE, _TINT) = range(6)


@dataclass(frozen=True)
class Plain:
    """A frame's light, colour and edges: planes (6, H, W) float32 at working size, a little blurred."""

    planes: np.ndarray

    @classmethod
    def of(cls, view: View) -> Plain:
        ycc = cv2.cvtColor(view.colour_HWC, cv2.COLOR_RGB2YCrCb).astype(np.float32)
        soft = cv2.GaussianBlur(ycc, (0, 0), _BLUR)
        return cls(_planes(soft))

    def seen_along(self, back_HW2: np.ndarray) -> Plain:
        """As it looks from where the way back starts."""
        colours = along(np.ascontiguousarray(self.planes[:3].transpose(1, 2, 0)), back_HW2)
        return Plain(_planes(colours))


@dataclass(frozen=True)
class Compared:
    """What became of the picture in a frame.

    Attributes:
        light, red, blue: grey levels by which Y, Cr and Cb are more than in the picture: medians over cells.
        colour: grey levels by which colours differ, either way.
        saturation, contrast, detail: how often they doubled; below 0 they halved. Saturation is None where there is
            next to none.
        share: of cells that are known.
        same_hw: cells whose shapes are those of the picture.
        off_chw: by how much each cell is off, for light, colour, contrast and detail; 0 where it is not known.
    """

    light: float
    red: float
    blue: float
    colour: float
    saturation: float | None
    contrast: float
    detail: float
    share: float
    same_hw: np.ndarray
    off_chw: np.ndarray


def compared(frame: Plain, picture: Plain, known_HW: np.ndarray) -> Compared | None:
    """A frame beside the picture brought onto it; None where too little is known.

    Args:
        known_HW: how surely pixels of the picture are where they are, in [0, 1].
    """
    one, other = frame.planes, picture.planes
    known = (known_HW > 0.5).astype(np.float32)
    stacked = np.concatenate([known[None], one * known, other * known, (one[0] * other[0] * known)[None]])
    sums = _cells(stacked)
    share_hw = sums[0]
    means = sums[1:] / np.maximum(share_hw, 1e-3)
    ours, its, product = means[:6], means[6:12], means[12]
    spread, its_spread = _deviation(ours), _deviation(its)
    likeness = (product - ours[_Y] * its[_Y]) / (spread * its_spread + 4)
    textured = np.minimum(spread, its_spread) > _TEXTURED
    # Flow is sure of itself in places, too, where it has lost the thing: there shapes are others.
    same = textured & (likeness > _SAME) & (share_hw > _KNOWN)
    lost = textured & (likeness <= _SAME) & (share_hw > _KNOWN)
    valid = same | ((share_hw > _KNOWN) & ~textured & _beside(same) & ~_beside(lost))
    if same.sum() < _LEAST_TEXTURED or valid.sum() < max(_LEAST_CELLS, _LEAST_SHARE * valid.size):
        return None
    light, red, blue = ours[:3] - its[:3]
    tint = np.hypot(red, blue)
    contrast_hw = np.log2((spread + 1) / (its_spread + 1))
    detail_hw = np.log2((ours[_EDGE] + 0.3) / (its[_EDGE] + 0.3))
    chroma, its_chroma = float(ours[_TINT][valid].mean()), float(its[_TINT][valid].mean())
    saturation = float(np.log2((chroma + 1) / (its_chroma + 1))) if max(chroma, its_chroma) > _LEAST_CHROMA else None
    off = np.stack([np.abs(light), tint, np.abs(contrast_hw) * same, np.abs(detail_hw) * same]) * valid
    return Compared(
        light=float(np.median(light[valid])),
        red=float(np.median(red[valid])),
        blue=float(np.median(blue[valid])),
        colour=float(np.median(tint[valid])),
        saturation=saturation,
        contrast=float(np.median(contrast_hw[same])),
        detail=float(np.median(detail_hw[same])),
        share=float(valid.mean()),
        same_hw=same,
        off_chw=off,
    )


def cell_shape(height: int, width: int) -> tuple[int, int]:
    """Rows and columns of cells."""
    return max(3, round(height / _CELL)), max(3, round(width / _CELL))


def _beside(true_hw: np.ndarray) -> np.ndarray:
    """Cells that are true or adjoin one that is."""
    grown: np.ndarray = cv2.dilate(true_hw.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    return grown


def _planes(ycc_HWC: np.ndarray) -> np.ndarray:
    y, cr, cb = ycc_HWC[..., 0], ycc_HWC[..., 1], ycc_HWC[..., 2]
    edges = np.abs(cv2.Laplacian(np.ascontiguousarray(y), cv2.CV_32F))
    planes: np.ndarray = np.stack([y, cr, cb, y * y, edges, np.abs(cr - 128) + np.abs(cb - 128)])
    return planes


def _deviation(means: np.ndarray) -> np.ndarray:
    deviation: np.ndarray = np.sqrt(np.maximum(means[_SQUARE] - means[_Y] ** 2, 0))
    return deviation


def _cells(planes_CHW: np.ndarray) -> np.ndarray:
    """Means over cells, (C, h, w)."""
    _, height, width = planes_CHW.shape
    rows, columns = cell_shape(height, width)
    down = _averaging(height, rows)
    across = _averaging(width, columns)
    means: np.ndarray = np.matmul(np.matmul(down, planes_CHW), across.T)
    return means


def _averaging(length: int, parts: int) -> np.ndarray:
    """A matrix (parts, length) that averages even parts of so many pixels."""
    edges = np.linspace(0, length, parts + 1)
    pixels = np.arange(length)
    weights = np.clip(np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels), 0, 1)
    matrix: np.ndarray = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return matrix

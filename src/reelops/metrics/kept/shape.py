"""How far things have left one rigid motion since the picture: a clip whose shapes melt, swim or are stretched."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from reelops.metrics.carried import Carried
from reelops.metrics.kept.comparison import cell_shape
from reelops.optical_flow.working_size import STATED_ROWS

_FEWEST = 20
_LEAST_SHARE = 0.4
_ROUNDS = 5
_QUIETEST = 25


@dataclass(frozen=True)
class Bent:
    """How shapes have changed.

    Attributes:
        pixels: at 480 rows, by which points leave what a camera that turns, nears and rolls can do; three quarters of
            all points leave it by more.
        stretch: by how much one direction grew more than the other, in doublings.
        off_hw: of each cell in pixels at 480 rows; 0 where it is lost.
    """

    pixels: float
    stretch: float
    off_hw: np.ndarray


def bent(carried: Carried, known: np.ndarray) -> Bent | None:
    """What the motion since the picture leaves unexplained; None where too few points are known.

    Args:
        known: cells (h, w) whose motion is.
    """
    height, width = carried.known_HW.shape
    rows, columns = cell_shape(height, width)
    if known.sum() < max(_FEWEST, _LEAST_SHARE * known.size):
        return None
    y, x = np.mgrid[0:rows, 0:columns] + 0.5
    here = np.stack([x[known] * width / columns - width / 2, y[known] * height / rows - height / 2], axis=1)
    back = cv2.resize(carried.back_HW2, (columns, rows), interpolation=cv2.INTER_AREA)[known].astype(np.float64)
    left, linear = _left_by_affine(here, back)
    off = np.linalg.norm(left, axis=1) * STATED_ROWS / height
    grown = np.linalg.svd(linear + np.eye(2), compute_uv=False)
    off_hw = np.zeros((rows, columns))
    off_hw[known] = off
    return Bent(float(np.percentile(off, _QUIETEST)), float(np.log2(grown[0] / max(grown[1], 1e-3))), off_hw)


def _left_by_affine(here_N2: np.ndarray, moved_N2: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What an affine motion, fitted robustly, leaves of the points' motion, and its linear part (2, 2)."""
    start = np.concatenate([here_N2, np.ones((len(here_N2), 1))], axis=1)
    trust = np.ones(len(start))
    for _ in range(_ROUNDS):
        fit = np.linalg.lstsq(start * trust[:, None], moved_N2 * trust[:, None], rcond=None)[0]
        left = moved_N2 - start @ fit
        trust = 1 / np.sqrt(np.linalg.norm(left, axis=1) + 0.1)
    return left, fit[:2].T

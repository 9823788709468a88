"""Motion: does anything move at all?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# Mean luma change between neighbours below which a frame repeats the one before. Compression alone changes a frozen
# clip by less; the slowest camera move over a smooth picture changes it by more.
SAME_BELOW = 0.25


def motion(magnitudes: Sequence[float]) -> float:
    """Mean flow magnitude over the clip, in pixels at 480 rows per frame, from one value a pair.

    Returns:
        0 for a frozen clip. More is not better. Noise and flicker move nothing but are seen as a little motion.
    """
    return float(np.mean(magnitudes))


def change(previous_HW: np.ndarray, next_HW: np.ndarray) -> float:
    """Mean absolute luma change between two uint8 pictures, in grey levels, [0, 255]."""
    return float(np.abs(next_HW.astype(np.int16) - previous_HW.astype(np.int16)).mean())


def duplicated_share(changes: Sequence[float]) -> float:
    """Share of neighbouring pairs whose second frame repeats the first, from their `change`: [0, 1], 0 is best."""
    return float((np.asarray(changes) < SAME_BELOW).mean())

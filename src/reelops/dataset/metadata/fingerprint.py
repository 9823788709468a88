"""What pictures look like in 64 bits: the perceptual hash by cosine transform (Zauner 2010)."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

_SIDE = 32
_BITS_A_SIDE = 8
# Pictures of less contrast, in grey levels, have no shapes: their hash would be noise.
_LEAST_CONTRAST = 6.0
FRAMES = 8
"""Pictures of a clip that are hashed, evenly spaced."""


def picture_hash(gray_HW: np.ndarray) -> int | None:
    """Which of the eight by eight lowest frequencies of a luma picture are stronger than their median.

    Args:
        gray_HW: uint8, any size.

    Returns:
        64 bits; few of them differ where a picture was scaled, recompressed, or made a little lighter. None for an
        even picture.
    """
    small = cv2.resize(gray_HW, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    if float(small.std()) < _LEAST_CONTRAST:
        return None
    low = cv2.dct(small)[1 : _BITS_A_SIDE + 1, 1 : _BITS_A_SIDE + 1].ravel()
    return int.from_bytes(np.packbits(low > np.median(low)).tobytes())


def fingerprint(pictures: Sequence[np.ndarray]) -> tuple[int, ...]:
    """Hashes of some pictures of a clip, in their order, each once; even ones have none."""
    chosen = sorted({round(number) for number in np.linspace(0, len(pictures) - 1, FRAMES).tolist()})
    hashes = (picture_hash(pictures[number]) for number in chosen)
    return tuple(dict.fromkeys(one for one in hashes if one is not None))

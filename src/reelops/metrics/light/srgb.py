"""What the numbers of a picture mean as light."""

from __future__ import annotations

import numpy as np


def light_of(values: np.ndarray) -> np.ndarray:
    """Linear light of sRGB values (IEC 61966-2-1), both in [0, 1], of any shape."""
    return np.where(values > 0.04045, ((values + 0.055) / 1.055) ** 2.4, values / 12.92)

"""How a clip's end differs from its beginning."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# How much of the clip counts as its beginning, and as its end: as the drift of Zhang and Agrawala 2025
# (arXiv:2504.12626, section 4), which compares the same parts by other measures.
_PART = 0.15


def beginning_and_end(values_T: Sequence[float] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The means over the first and the last 15% of frames, of one value per frame, or of a row (T, C) of them."""
    values = np.asarray(values_T, dtype=np.float64)
    part = max(1, round(_PART * len(values)))
    return values[:part].mean(axis=0), values[-part:].mean(axis=0)

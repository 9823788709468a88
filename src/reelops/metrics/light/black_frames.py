"""Black frames: is there anything to see at all?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reelops.metrics.metric import Metric, Series
from reelops.metrics.tracker import OfFrames
from reelops.optical_flow.working_size import WORKING_ROWS

# As FFmpeg's blackdetect: 98% of the pixels are no lighter than a tenth of full scale.
_DARK = 25
_SHARE = 0.98


BLACK_SHARE = Metric(
    name="black_share",
    title="Share of black frames",
    unit="",
    direction="lower is better",
    section="Light and detail",
    description="share of frames of which 98% is dark, as FFmpeg's blackdetect",
    blind_to="frames of any other single colour; night skies count",
    high=1,
    above="There are black frames.",
    own_series=Series("Dark part of the frame", "", "high"),
    track=lambda _: OfFrames(
        "black_share", lambda view: dark_share(view.gray_HW), f"luma at {WORKING_ROWS} rows", black_share
    ),
)


def dark_share(gray_HW: np.ndarray) -> float:
    """Share of a uint8 luma picture that is all but black: [0, 1]."""
    return float((gray_HW <= _DARK).mean())


def black_share(dark_shares: Sequence[float]) -> float:
    """Share of frames that are black, at least 98% of them dark: [0, 1], 0 is best.

    From one `dark_share` a frame. Blind to frames of any other single colour (contrast and scene cut see those); a
    night sky with few stars counts as black.
    """
    return float((np.asarray(dark_shares) >= _SHARE).mean())

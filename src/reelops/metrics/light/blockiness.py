"""Blockiness: does a frame fall apart into blocks?"""

from __future__ import annotations

import cv2
import numpy as np

from reelops.metrics.metric import Metric
from reelops.metrics.tracker import OfFrames

# Blocks of JPEG, MPEG-2 and H.264, and H.264's macroblocks, which also are what coarse pixelation looks like.
_PERIODS = (8, 16)

# Differences smaller than this, in grey levels, are rounding; without it a flat picture would divide zero by zero.
_MIN_DIFFERENCE = 0.5


BLOCKINESS = Metric(
    name="blockiness",
    title="Blockiness",
    unit="",
    direction="lower is better",
    section="Light and detail",
    description="surplus of the steps across borders 8 or 16 pixels apart (Wu and Yuen 1997; Wang, Bovik, Evan 2000); "
    "2 is plain to see",
    blind_to="blocks that were resized since; banding, ringing",
    low=1,
    above="The picture falls apart into blocks.",
    track=lambda _: OfFrames(
        "blockiness", lambda view: blockiness(view.luma_HW), "luma at the clip's size", smallest_side=2
    ),
)


def blockiness(gray_HW: np.ndarray) -> float:
    """How much larger the steps across block borders are than the steps beside them.

    The blocking artefact as Wu and Yuen (1997) and Wang, Bovik and Evan (2000) define it, a periodic surplus of the
    difference signal: the mean absolute luma difference across each column border is divided by that of the two borders
    beside it; of borders a period apart the median counts, so that one strong edge of the scene does not; the largest
    over the phases, so that a cropped clip is judged as well, and over periods of 8 and 16 pixels; the mean of columns
    and rows.

    Args:
        gray_HW: luma, uint8, at least 2x2, at the clip's own size: resizing moves and blurs the blocks.

    Returns:
        About 1 without blocks, 2 where they are plain to see; lower is better. Blind to blocks that have been resized
        since, and to banding and ringing.
    """
    across = cv2.reduce(cv2.absdiff(gray_HW[:, 1:], gray_HW[:, :-1]), 0, cv2.REDUCE_AVG, dtype=cv2.CV_32F).ravel()
    down = cv2.reduce(cv2.absdiff(gray_HW[1:], gray_HW[:-1]), 1, cv2.REDUCE_AVG, dtype=cv2.CV_32F).ravel()
    return (_periodic_surplus(across) + _periodic_surplus(down)) / 2


def _periodic_surplus(steps: np.ndarray) -> float:
    surplus = (steps[1:-1] + _MIN_DIFFERENCE) / ((steps[:-2] + steps[2:]) / 2 + _MIN_DIFFERENCE)
    strongest = 1.0
    for period in _PERIODS:
        whole = len(surplus) // period
        if whole >= 4:
            by_phase = np.sort(surplus[: whole * period].reshape(whole, period), axis=0)
            strongest = max(strongest, float(by_phase[whole // 2].max()))
    return strongest

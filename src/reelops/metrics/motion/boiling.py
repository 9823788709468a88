"""Boiling: do shapes wobble to and fro where they should stay or go on?"""

from __future__ import annotations

import math

import cv2
import numpy as np

from reelops.metrics.metric import Metric
from reelops.metrics.tracker import Measure, mean_of_known
from reelops.metrics.view import Step, View
from reelops.optical_flow.warp import along
from reelops.optical_flow.working_size import STATED_ROWS, WORKING_ROWS

# All in pixels at 480 rows, but for the share.
_SMOOTH_MOTION = 36.0
_PATCH = 30.0
_UNDONE = 0.1
_ENOUGH_OF_A_PATCH = 0.5
_KNOWN = 0.9


BOILING = Metric(
    name="boiling",
    title="Boiling of shapes",
    unit="",
    direction="lower is better",
    section="Motion",
    description="share of patches whose own motion the next step undoes: shapes wobble to and fro",
    blind_to="wobble below a pixel at 480 rows, or of shapes larger than a fifth of the picture",
    high=1,
    above="Shapes wobble where they should stay or go on.",
    track=lambda _: Boiling(),
)


def local_motion(flow_HW2: np.ndarray) -> np.ndarray:
    """What a flow has beside the motion of its wider surroundings (a Gaussian of sigma 36), at 480 rows."""
    scale = STATED_ROWS / flow_HW2.shape[0]
    wide_HW2 = cv2.GaussianBlur(flow_HW2, (0, 0), _SMOOTH_MOTION / scale)
    local: np.ndarray = (flow_HW2 - wide_HW2) * np.float32(scale)
    return local


def undone_share(local_HW2: np.ndarray, then_HW2: np.ndarray, known_HW: np.ndarray) -> float | None:
    """How much of the local motion is undone by the next step.

    If each frame is bent by displacements d of its own, local motion is d_t+1 - d_t, and the mean product of two in a
    row is -E|d|^2. Limbs and leaves go on instead, and it is positive; at rest it is nought. Patches of 30x30 pixels
    count where at least half of one is known; undone is a mean product below -0.1 square pixels and going on one above
    0.1, all at 480 rows.

    Args:
        local_HW2: `local_motion` of a step, at 480 rows.
        then_HW2: that of the next step, seen along the first.
        known_HW: where both can be trusted.

    Returns:
        The geometric mean of two shares of undone patches: that of all patches, so that a little wobble in a quiet
        scene does not count, and that of those with any motion of their own, so that wobble shows in a lively one.
        [0, 1]; None where no patch is known well enough.
    """
    height, width = known_HW.shape
    patch = _PATCH * height / STATED_ROWS
    size = max(1, round(width / patch)), max(1, round(height / patch))
    known = known_HW.astype(np.float32)
    product = (local_HW2[..., 0] * then_HW2[..., 0] + local_HW2[..., 1] * then_HW2[..., 1]) * known
    share, product = (cv2.resize(field, size, interpolation=cv2.INTER_AREA) for field in (known, product))
    enough = share > _ENOUGH_OF_A_PATCH
    if not enough.any():
        return None
    means = product[enough] / share[enough]
    undone, goes_on = float((means < -_UNDONE).mean()), float((means > _UNDONE).mean())
    return undone / math.sqrt(undone + goes_on) if undone else 0.0


def _half(field: np.ndarray) -> np.ndarray:
    """What wobbles is larger than a pixel: half the size tells it in a quarter of the time."""
    height, width = field.shape[:2]
    halved: np.ndarray = cv2.resize(field, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    return halved


class Boiling:
    """Mean `undone_share` over a clip.

    0 to 0.2 for most good clips, 0.33 for a galloping horse that fills the frame; 0.4 to 0.75 where shapes wobble by 3
    pixels at 480 rows. Range [0, 1], lower is better. Blind to wobble of less than about one pixel, of shapes larger
    than a fifth of the picture, and of what cannot be followed; shuffled frames and noise raise it, too.
    """

    def __init__(self) -> None:
        self._last: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
        self._shares: list[float | None] = []

    def see(self, _: View, step: Step | None, /) -> None:
        if step is None:
            return
        flow_HW2, trusted = _half(step.flow_HW2) / 2, _half(step.confirmed_HW.astype(np.float32))
        local = local_motion(flow_HW2)
        if self._last is not None:
            before_HW2, before_local, before_trusted = self._last
            known = (before_trusted > _KNOWN) & (along(trusted, before_HW2) > _KNOWN)
            self._shares.append(undone_share(before_local, along(local, before_HW2), known))
        self._last = flow_HW2, local, trusted

    def measures(self) -> dict[str, Measure]:
        how = f"DIS flow at {WORKING_ROWS} rows, where there and back agree"
        if not self._shares:
            return {"boiling": Measure(None, how, "it takes three frames")}
        return {"boiling": mean_of_known(self._shares, how, "no part of the picture can be followed")}

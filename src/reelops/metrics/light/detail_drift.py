"""Drift of detail: does the picture blur, or grow noisy, on the way?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reelops.metrics.light.contrast import contrast
from reelops.metrics.light.drift import beginning_and_end
from reelops.metrics.light.sharpness import SHARPNESS_ROWS, sharpness
from reelops.metrics.metric import Metric, Series
from reelops.metrics.tracker import Measure
from reelops.metrics.view import Step, View

# With less contrast there is next to nothing to see, and with less detail what there is is rounding.
_MIN_CONTRAST = 0.03
_MIN_SHARPNESS = 1.0


DETAIL_DRIFT = Metric(
    name="detail_drift",
    title="Drift of detail",
    unit="doublings",
    direction="lower is better",
    section="Light and detail",
    description="how often detail (sharpness over squared contrast) doubles or halves from the first 15% of the clip "
    "to the last: it blurs, or grows noisy, on the way",
    blind_to="decay that comes and goes; a camera that pulls focus counts",
    above="The picture blurs, or grows noisy, on the way.",
    own_series=Series("Detail, by contrast", "", "far"),
    track=lambda _: Detail(),
)


def detail(sharpness_value: float, contrast_value: float) -> float | None:
    """Sharpness over squared contrast, so that light that fades takes no detail away; None where there is none."""
    if contrast_value < _MIN_CONTRAST:
        return None
    return (sharpness_value + _MIN_SHARPNESS) / (255 * contrast_value) ** 2


def detail_drift(details: Sequence[float]) -> float:
    """|log2| of mean detail in the last 15% of the clip over that in the first, from one value per frame.

    0 where it stays, 1 where it doubles or halves; lower is better. Range from 0. Real clips measure below
    1.5, and 2.7 where a bird comes near; blur and noise that grow until they are plain to see, 2.9 to 6.6. Blind to
    decay that comes and goes, and to faces that melt into sharp ones; a camera that pulls focus counts.
    """
    first, last = beginning_and_end(details)
    return abs(float(np.log2(last / first)))


class Detail:
    """Follows sharpness, and what becomes of it."""

    def __init__(self) -> None:
        self._sharpness: list[float] = []
        self._details: list[float | None] = []

    def see(self, view: View, _: Step | None, /) -> None:
        self._sharpness.append(sharpness(view.luma_HW))
        self._details.append(detail(self._sharpness[-1], contrast(view.gray_HW)))

    def measures(self) -> dict[str, Measure]:
        how = f"luma at {SHARPNESS_ROWS} rows"
        known = [value for value in self._details if value is not None]
        drift = (
            Measure(detail_drift(known), how, series=tuple(self._details))
            if len(known) > 1
            else Measure(None, how, "there is next to no contrast, so no detail to tell")
        )
        mean = Measure(float(np.mean(self._sharpness)), how, series=tuple(self._sharpness))
        return {"sharpness": mean, "detail_drift": drift}

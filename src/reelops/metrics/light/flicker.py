"""Flicker: does the light of the picture jump up and down?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reelops.metrics.metric import Metric
from reelops.metrics.tracker import Measure
from reelops.metrics.view import Pulled, Step, View
from reelops.optical_flow.working_size import WORKING_ROWS

FLICKER = Metric(
    name="flicker",
    title="Flicker",
    unit="",
    direction="lower is better",
    section="Light and detail",
    description="how far the light jumps up and down along the flow; a fade counts nothing",
    blind_to="flicker in parts that cancel out",
    high=1,
    above="The light jumps.",
    track=lambda _: Flicker(),
)


def light_step(previous_HW: np.ndarray, pulled: Pulled) -> float:
    """Change of the mean luma from one uint8 picture to the next, along the flow, as a share of the lighter one.

    Returns:
        from -1 (white to black) over 0 to 1 (black to white). What enters or leaves the picture does not count.
    """
    inside = pulled.inside_HW
    if not inside.any():
        return 0.0
    before, after = float(previous_HW[inside].mean()), float(pulled.gray_HW[inside].mean(dtype=np.float64))
    return (after - before) / max(before, after, 1.0)


def flicker_series(light_steps: Sequence[float]) -> list[float]:
    """Half of how much each step of light differs from the step before; a steady fade counts nothing."""
    steps = np.asarray(light_steps, dtype=np.float64)
    return [float(value) for value in np.abs(np.diff(steps)) / 2]


def flicker(light_steps: Sequence[float]) -> float | None:
    """Mean of `flicker_series` over a clip, from one `light_step` a pair.

    Returns:
        0 for steady light, 1 where black and white alternate; lower is better; None for fewer than three frames. Blind
        to flicker in parts that cancel out.
    """
    series = flicker_series(light_steps)
    return float(np.mean(series)) if series else None


class Flicker:
    """Follows the steps of light."""

    def __init__(self) -> None:
        self._light_steps: list[float] = []

    def see(self, _: View, step: Step | None, /) -> None:
        if step is not None:
            self._light_steps.append(light_step(step.before.gray_HW, step.pulled))

    def measures(self) -> dict[str, Measure]:
        how = f"luma along DIS flow at {WORKING_ROWS} rows"
        value = flicker(self._light_steps)
        if value is None:
            return {"flicker": Measure(None, how, "it takes three frames")}
        return {"flicker": Measure(value, how, series=tuple(flicker_series(self._light_steps)))}

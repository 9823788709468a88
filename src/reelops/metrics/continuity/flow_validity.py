"""Flow validity: how much of the picture can be followed there and back?"""

from __future__ import annotations

import numpy as np

from reelops.metrics.metric import Metric
from reelops.metrics.tracker import OfSteps
from reelops.optical_flow.working_size import WORKING_ROWS

FLOW_VALIDITY = Metric(
    name="flow_validity",
    title="Flow confirmed both ways",
    unit="",
    direction="higher is better",
    section="Continuity",
    description="share of the picture whose flow there and back lead home (Sundaram et al. 2010)",
    blind_to="pictures without texture",
    high=1,
    track=lambda _: OfSteps(
        "flow_validity", lambda step: flow_validity(step.confirmed_HW), f"DIS flow at {WORKING_ROWS} rows"
    ),
)


def flow_validity(confirmed_HW: np.ndarray) -> float:
    """Share of the picture whose flow is `confirmed`: [0, 1], higher is better.

    Below about a half, whatever else rests on flow is to be taken with care: fast, blurred or boiling motion, noise and
    cuts all lower it. Blind to pictures without texture, where any flow is as good as another, and to what moves as it
    should not.
    """
    return float(confirmed_HW.mean())

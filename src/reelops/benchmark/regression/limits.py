"""How much slower or worse is too much: the block `regression` of benchmark.yaml."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Annotated, Literal

from pydantic import Field

from reelops.errors import DONE, FAILED, REJECTED
from reelops.params import AmountOrZero, ParamsBlock

Answer = Literal["pass", "fail", "more runs"]
"""What a comparison says: no worse than allowed, worse, or that it cannot be told from so few runs."""
EXIT_CODE_OF: Mapping[Answer, int] = {"pass": DONE, "fail": REJECTED, "more runs": FAILED}

Share = Annotated[float, Field(gt=0, lt=1)]


def worst_of(answers: Collection[Answer]) -> Answer:
    """Of several answers together: fail before more runs before pass."""
    return "fail" if "fail" in answers else "more runs" if "more runs" in answers else "pass"


class Limit(ParamsBlock):
    """A loss counts where it is beyond both.

    Attributes:
        relative: share of the baseline's mean.
        absolute: in the figure's own unit; seconds, of a latency.
    """

    relative: AmountOrZero = 0.0
    absolute: AmountOrZero = 0.0

    def of(self, baseline: float) -> float:
        """The loss that is still allowed, in the figure's unit, where the baseline's mean is this."""
        return max(self.relative * abs(baseline), self.absolute)


class RegressionLimits(ParamsBlock):
    """What a candidate must keep to beside its baseline.

    Attributes:
        latency: of a clip, without loading.
        quality: by metric; others are shown and do not count.
        false_alarms: at most this share of comparisons of equal speed is called slower, over all looks together.
        first_look: pairs of clips, one of each way, before anything is said.
        looks: how often it is looked at; each time with twice as many pairs as before.
    """

    latency: Limit = Limit(relative=0.07, absolute=0.005)
    quality: Mapping[str, Limit] = {}
    false_alarms: Share = 0.02
    first_look: Annotated[int, Field(ge=6, le=10_000)] = 12
    looks: Annotated[int, Field(ge=1, le=8)] = 4

    @property
    def alpha(self) -> float:
        """The level of each look: so many looks together keep to `false_alarms` (Bonferroni)."""
        return self.false_alarms / self.looks

    @property
    def pairs_at_looks(self) -> tuple[int, ...]:
        """How many pairs there are at each look."""
        return tuple(self.first_look * 2**look for look in range(self.looks))

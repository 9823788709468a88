"""Is the candidate's quality worse by more than is allowed? Clips of the same order in both ways are compared in pairs.

Non-inferiority: what must be shown is that the mean loss is within the margin, not that there is none. Its interval is
that of the percentile bootstrap over pairs, as in `reelops score --against`; orders differ more than ways do, so pairs
are drawn and not clips.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from reelops.benchmark.regression.limits import Answer, Limit
from reelops.metrics.catalogue import METRICS
from reelops.scoring.comparison.paired import LEAST_PAIRS, bootstrap_interval

Scores = Mapping[str, float | None]


@dataclass(frozen=True)
class QualityFinding:
    """One metric of two ways.

    Attributes:
        metric: a name of `METRICS`.
        answer: what is said of it; None where no margin is set, so that it does not count.
        pairs: of clips that both have it.
        baseline, candidate: means over them.
        loss: mean by which the candidate is worse, in the metric's unit; below 0 where it is better.
        low, high: of its 95% interval; None with too few pairs.
        allowed: the loss that is allowed; None where no margin is set.
    """

    metric: str
    answer: Answer | None
    pairs: int
    baseline: float
    candidate: float
    loss: float
    low: float | None
    high: float | None
    allowed: float | None


def compare_quality(pairs: Sequence[tuple[Scores, Scores]], margins: Mapping[str, Limit]) -> list[QualityFinding]:
    """Every metric that has a way in which it is better, and that some pair has.

    Args:
        pairs: scores of the baseline's clip and of the candidate's, of one order each; every order once.
    """
    found = (_compare_metric(name, pairs, margins.get(name)) for name in METRICS)
    return [one for one in found if one is not None]


def _compare_metric(name: str, pairs: Sequence[tuple[Scores, Scores]], margin: Limit | None) -> QualityFinding | None:
    direction = METRICS[name].direction
    both = [(old.get(name), new.get(name)) for old, new in pairs]
    values = np.array([(old, new) for old, new in both if old is not None and new is not None], dtype=np.float64)
    if direction == "in between is better" or not len(values):
        return None
    old, new = values.T
    losses = old - new if direction == "higher is better" else new - old
    interval = bootstrap_interval(losses) if len(losses) >= LEAST_PAIRS and np.ptp(losses) > 0 else None
    if interval is None and len(losses) >= LEAST_PAIRS:
        interval = float(losses[0]), float(losses[0])
    allowed = margin.of(float(old.mean())) if margin else None
    return QualityFinding(
        metric=name,
        answer=None if allowed is None else _answer(interval, allowed),
        pairs=len(losses),
        baseline=float(old.mean()),
        candidate=float(new.mean()),
        loss=float(losses.mean()),
        low=interval[0] if interval else None,
        high=interval[1] if interval else None,
        allowed=allowed,
    )


def _answer(interval: tuple[float, float] | None, allowed: float) -> Answer:
    if interval is None:
        return "more runs"
    low, high = interval
    if high <= allowed:
        return "pass"
    return "fail" if low > allowed else "more runs"

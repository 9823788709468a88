"""The gate itself: looks at pairs of clips, and has more of them made while it cannot tell."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reelops.benchmark.regression.latency import LatencyFinding, Seconds, compare_latency, compare_recorded
from reelops.benchmark.regression.limits import Answer, RegressionLimits, worst_of
from reelops.benchmark.regression.quality import QualityFinding, Scores, compare_quality


@dataclass(frozen=True)
class Evidence:
    """What was measured so far.

    Attributes:
        seconds: of every pair.
        scores: of every order once, in both ways; empty where quality is not measured.
    """

    seconds: Sequence[Seconds]
    scores: Sequence[tuple[Scores, Scores]] = ()


@dataclass(frozen=True)
class Judgement:
    """What is said of a candidate.

    Attributes:
        answer: `more runs` where the budget was spent and it still cannot be told.
        looks: how often it was looked at.
    """

    answer: Answer
    latency: LatencyFinding
    quality: tuple[QualityFinding, ...]
    looks: int

    @property
    def failed(self) -> list[str]:
        """What is worse, by name."""
        worse = [one.metric for one in self.quality if one.answer == "fail"]
        return (["latency"] if self.latency.answer == "fail" else []) + worse

    @property
    def undecided(self) -> list[str]:
        """What cannot be told yet, by name."""
        open_ones = [one.metric for one in self.quality if one.answer == "more runs"]
        return (["latency"] if self.latency.answer == "more runs" else []) + open_ones


def judge(evidence: Evidence, limits: RegressionLimits, looks: int = 1) -> Judgement:
    """Fails where anything fails, and passes where all passes."""
    latency = compare_latency(evidence.seconds, limits.latency, limits.alpha)
    return _judged(latency, evidence.scores, limits, looks)


def judge_recorded(
    baseline: Sequence[Mapping[str, Any]], candidate: Sequence[Mapping[str, Any]], limits: RegressionLimits, looks: int
) -> Judgement:
    """The same where the baseline's clips were made another day: their `latency` counts in units of the `yardstick`
    beside them, and their `scores` where both have the same order."""
    old, new = ([one["latency"] / one["yardstick"] for one in samples] for samples in (baseline, candidate))
    latency = compare_recorded(old, new, limits.latency, limits.alpha)
    before = {one["order"]: one["scores"] for one in baseline}
    scores = [(before[one["order"]], one["scores"]) for one in candidate if one["order"] in before]
    return _judged(latency, scores, limits, looks)


def _judged(
    latency: LatencyFinding, scores: Sequence[tuple[Scores, Scores]], limits: RegressionLimits, looks: int
) -> Judgement:
    quality = tuple(compare_quality(scores, limits.quality))
    answers = [latency.answer, *(one.answer for one in quality if one.answer is not None)]
    return Judgement(worst_of(answers), latency, quality, looks)


def decide(measure: Callable[[int], Evidence], limits: RegressionLimits) -> Judgement:
    """Looks until it can tell, or until the budget of pairs is spent.

    Args:
        measure: what there is of so many pairs; those of earlier looks among them.
    """
    for look, pairs in enumerate(limits.pairs_at_looks, start=1):
        found = judge(measure(pairs), limits, look)
        if found.answer != "more runs":
            break
    return found

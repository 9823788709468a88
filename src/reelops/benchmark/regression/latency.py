"""Is the candidate slower? Clips of both ways are made in turn, and each pair of neighbours is compared.

What else the machine does changes from minute to minute and falls on both clips of a pair, so it leaves their ratio
alone. Ratios of pairs have long tails, where a neighbour came or went between the two; so ranks are compared and not
means:

- by how much it is slower: the pseudo-median of the ratios with its interval (Hodges & Lehmann 1963), in logarithms;
- how surely it is slower at all: Wilcoxon's signed-rank test (1945) of the same ratios.

Mann and Whitney's test (1947), which knows no pairs, compares neighbours' loads as much as ways; on seconds divided by
their pair's mean it takes each difference for two, and cries wolf. `reelops benchmark regression` measures how often
each of them errs on the same clips, which is why the first was chosen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reelops.benchmark.regression.limits import Answer, Limit

Seconds = tuple[float, float]
"""Of the baseline's clip and of the candidate's, made beside each other."""


@dataclass(frozen=True)
class LatencyFinding:
    """Seconds of two ways beside each other.

    Attributes:
        answer: what is said of them.
        pairs: of clips.
        baseline_seconds, candidate_seconds: medians.
        slower_by: share by which the candidate is slower; below 0 where it is faster.
        low, high: of its interval, at the look's level on either side.
        p_value: of seconds like these, or worse, if both were equally fast.
        allowed: share by which it may be slower.
    """

    answer: Answer
    pairs: int
    baseline_seconds: float
    candidate_seconds: float
    slower_by: float
    low: float
    high: float
    p_value: float
    allowed: float


def compare_latency(pairs: Sequence[Seconds], limit: Limit, alpha: float) -> LatencyFinding:
    """What can be said of so many pairs.

    It fails where the candidate is surely slower, and by more than is allowed; it passes where it is surely not slower
    by more than that.

    Args:
        pairs: at least two, all above 0.
        alpha: the chance, on either side, that what is said is wrong.
    """
    seconds = np.asarray(pairs, dtype=np.float64)
    ratios = np.log(seconds[:, 1] / seconds[:, 0])
    baseline, candidate = (float(value) for value in np.median(seconds, axis=0))
    middle, low, high = (math.expm1(value) for value in pseudo_median(ratios, alpha))
    p_value, allowed = slower_within_pairs(ratios), limit.of(baseline) / baseline
    answer: Answer = "more runs"
    if p_value <= alpha and middle > allowed:
        answer = "fail"
    elif high <= allowed:
        answer = "pass"
    return LatencyFinding(answer, len(pairs), baseline, candidate, middle, low, high, p_value, allowed)


def compare_recorded(
    baseline: Sequence[float], candidate: Sequence[float], limit: Limit, alpha: float
) -> LatencyFinding:
    """The same of clips that were made on different days, so that no two of them belong together.

    Give seconds in units of a yardstick that was measured beside each clip; then what the whole machine became slower
    by falls out.

    Args:
        limit: only its relative part counts.
    """
    from scipy.stats import mannwhitneyu

    old, new = np.log(baseline), np.log(candidate)
    p_value = float(mannwhitneyu(new, old, alternative="greater").pvalue)
    middle, low, high = (math.expm1(value) for value in _shift(old, new, alpha))
    answer: Answer = "more runs"
    if p_value <= alpha and middle > limit.relative:
        answer = "fail"
    elif high <= limit.relative:
        answer = "pass"
    medians = float(np.median(baseline)), float(np.median(candidate))
    return LatencyFinding(answer, min(len(old), len(new)), *medians, middle, low, high, p_value, limit.relative)


def _shift(old: np.ndarray, new: np.ndarray, alpha: float) -> tuple[float, float, float]:
    """The median of all differences, and the interval that Mann and Whitney's test leaves, by the normal
    approximation."""
    from scipy.stats import norm

    differences = np.sort((new[:, None] - old[None, :]).ravel())
    first, second = len(old), len(new)
    width = float(norm.isf(alpha)) * math.sqrt(first * second * (first + second + 1) / 12)
    outside = max(0, math.floor(first * second / 2 - width))
    return float(np.median(differences)), float(differences[outside]), float(differences[-1 - outside])


def pseudo_median(values: np.ndarray, alpha: float) -> tuple[float, float, float]:
    """The median of the means of all two values, each with itself included, and its interval.

    The interval is the one that Wilcoxon's signed-rank test leaves, by the normal approximation to its distribution;
    with too few values for the level it goes from the least to the greatest.

    Args:
        alpha: the chance on either side that the truth is beyond.
    """
    from scipy.stats import norm

    count = len(values)
    first, second = np.triu_indices(count)
    means = np.sort((values[first] + values[second]) / 2)
    width = float(norm.isf(alpha)) * math.sqrt(count * (count + 1) * (2 * count + 1) / 24)
    outside = max(0, math.floor(count * (count + 1) / 4 - width))
    return float(np.median(means)), float(means[outside]), float(means[-1 - outside])


def slower_within_pairs(log_ratios: np.ndarray) -> float:
    """The p-value of Wilcoxon's signed-rank test, one-sided: 1 where all are 0."""
    from scipy.stats import wilcoxon

    if not np.any(log_ratios):
        return 1.0
    return float(wilcoxon(log_ratios, alternative="greater").pvalue)

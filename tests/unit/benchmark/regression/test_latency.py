"""Which of two ways is slower: answers on seconds whose truth is known, under a load that comes and goes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import mannwhitneyu, wilcoxon

from reelops.benchmark.regression.latency import (
    compare_latency,
    compare_recorded,
    pseudo_median,
    slower_within_pairs,
)
from reelops.benchmark.regression.limits import Limit, RegressionLimits

LIMIT = Limit(relative=0.07, absolute=0.005)
ALPHA = RegressionLimits().alpha


def pairs(slower_by: float, number: int, seed: int = 0, seconds: float = 1.0) -> np.ndarray:
    """Pairs on a machine that a neighbour makes up to four times as slow; the two of a pair differ by 5%."""
    draw = np.random.default_rng(seed)
    load = np.exp(np.cumsum(draw.normal(0, 0.4, number)) % np.log(4))
    both = seconds * load[:, None] * np.exp(draw.normal(0, 0.05, (number, 2)))
    return both * np.array([1.0, 1.0 + slower_by])


def test_what_is_equally_fast_passes_though_the_machine_is_not() -> None:
    found = compare_latency(pairs(0.0, 48), LIMIT, ALPHA)
    assert found.answer == "pass" and found.low < 0 < found.high < 0.07


def test_a_slowdown_beyond_the_limit_fails_and_its_size_is_told() -> None:
    found = compare_latency(pairs(0.15, 24), LIMIT, ALPHA)
    assert found.answer == "fail" and found.p_value <= ALPHA
    assert found.low < 0.15 < found.high and found.slower_by == pytest.approx(0.15, abs=0.04)


def test_a_slowdown_within_the_limit_is_none_however_sure_it_is() -> None:
    found = compare_latency(pairs(0.03, 400), LIMIT, ALPHA)
    assert found.p_value <= ALPHA and found.answer == "pass"


def test_a_large_share_of_very_little_is_allowed() -> None:
    found = compare_latency(pairs(0.15, 48, seconds=0.01), LIMIT, ALPHA)
    assert found.answer == "pass" and found.allowed > 0.2


def test_few_pairs_that_differ_much_need_more_runs() -> None:
    found = compare_latency(pairs(0.0, 6), LIMIT, ALPHA)
    assert found.answer == "more runs" and found.high > found.allowed


def test_false_alarms_are_rarer_than_the_level_and_slowdowns_are_found() -> None:
    alarms = [compare_latency(pairs(0.0, 12, seed), LIMIT, 0.01).answer == "fail" for seed in range(300)]
    found = [compare_latency(pairs(0.15, 24, seed), LIMIT, 0.01).answer == "fail" for seed in range(300)]
    assert np.mean(alarms) <= 0.01 and np.mean(found) > 0.95


def test_the_interval_is_that_of_wilcoxons_test() -> None:
    """A shift is in the interval exactly where the test does not refuse it."""
    ratios = np.random.default_rng(3).normal(0.1, 0.3, 40)
    _, low, high = pseudo_median(ratios, 0.025)
    inside, outside = (low + high) / 2, high + 0.01
    assert wilcoxon(ratios - inside, correction=False, method="approx").pvalue > 0.05
    assert wilcoxon(ratios - outside, correction=False, method="approx").pvalue < 0.05
    assert wilcoxon(ratios - (low - 0.01), correction=False, method="approx").pvalue < 0.05


def test_within_pairs_the_load_of_the_machine_falls_out() -> None:
    seconds = pairs(0.15, 24)
    undivided = mannwhitneyu(seconds[:, 1], seconds[:, 0], alternative="greater").pvalue
    assert undivided > 0.05 > 1e-3 > slower_within_pairs(np.log(seconds[:, 1] / seconds[:, 0]))


def test_an_earlier_run_is_compared_by_its_own_yardstick() -> None:
    draw = np.random.default_rng(1)
    before = np.exp(draw.normal(0, 0.05, 40))
    same, slower = np.exp(draw.normal(0, 0.05, 40)), 1.2 * np.exp(draw.normal(0, 0.05, 40))
    assert compare_recorded(before, same, LIMIT, ALPHA).answer == "pass"
    found = compare_recorded(before, slower, LIMIT, ALPHA)
    assert found.answer == "fail" and found.low < 0.2 < found.high
    wild = np.exp(draw.normal(0, 0.5, 12))
    assert compare_recorded(wild[:6], wild[6:], LIMIT, ALPHA).answer == "more runs"

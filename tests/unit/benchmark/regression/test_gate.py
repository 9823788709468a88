"""The gate: quality within margins, more runs where it cannot tell, and no word across cohorts."""

from __future__ import annotations

import numpy as np
import pytest

from reelops.benchmark.regression.cohort import cohort_of, require_one_cohort
from reelops.benchmark.regression.gate import Evidence, decide, judge
from reelops.benchmark.regression.limits import Limit, RegressionLimits
from reelops.benchmark.regression.quality import compare_quality
from reelops.errors import SettingsError

MARGINS = {"sharpness": Limit(relative=0.05), "flicker": Limit(absolute=0.01)}
LIMITS = RegressionLimits(quality=MARGINS, first_look=6, looks=3)


def scores(loss: float, number: int, metric: str = "sharpness", spread: float = 1.0, seed: int = 0):
    """Orders that differ much more than ways do; the candidate's loss is spread over them."""
    draw = np.random.default_rng(seed)
    old = draw.uniform(50, 150, number)
    new = old - draw.normal(loss, spread, number)
    return [({metric: float(a)}, {metric: float(b)}) for a, b in zip(old, new, strict=True)]


def even(number: int) -> list[tuple[float, float]]:
    return [(1.0, 1.0 + 0.001 * (turn % 3 - 1)) for turn in range(number)]


@pytest.mark.parametrize(("loss", "answer"), [(0.0, "pass"), (3.0, "pass"), (5.0, "more runs"), (9.0, "fail")])
def test_a_loss_counts_where_it_is_surely_beyond_the_margin(loss: float, answer: str) -> None:
    (found,) = compare_quality(scores(loss, 24), MARGINS)
    assert (found.metric, found.answer) == ("sharpness", answer)
    assert found.low < found.loss < found.high


def test_where_lower_is_better_more_is_a_loss_and_a_metric_without_a_margin_does_not_count() -> None:
    pairs = [({"flicker": 0.01, "blockiness": 1.0}, {"flicker": 0.05, "blockiness": 9.0})] * 8
    found = {one.metric: one for one in compare_quality(pairs, MARGINS)}
    assert found["flicker"].answer == "fail" and found["flicker"].loss == pytest.approx(0.04)
    assert found["blockiness"].answer is None and found["blockiness"].loss == 8.0


def test_equal_scores_pass_and_too_few_clips_or_none_say_nothing() -> None:
    (equal,) = compare_quality([({"sharpness": 80.0}, {"sharpness": 80.0})] * 6, MARGINS)
    assert equal.answer == "pass" and (equal.low, equal.high) == (0.0, 0.0)
    (few,) = compare_quality(scores(9.0, 5), MARGINS)
    assert few.answer == "more runs" and few.low is None
    assert compare_quality([({"sharpness": None}, {"sharpness": 80.0})], MARGINS) == []


def test_it_looks_again_at_twice_as_many_pairs_until_it_can_tell() -> None:
    asked = []

    def measure(pairs: int) -> Evidence:
        asked.append(pairs)
        return Evidence(even(pairs), scores(3.0, pairs, spread=20.0 if pairs < 24 else 0.1))

    found = decide(measure, LIMITS)
    assert (found.answer, found.looks, asked) == ("pass", 3, [6, 12, 24])


def test_where_the_budget_is_spent_it_says_what_cannot_be_told() -> None:
    found = decide(lambda pairs: Evidence(even(pairs), scores(5.0, pairs, spread=9.0)), LIMITS)
    assert (found.answer, found.undecided, found.failed) == ("more runs", ["sharpness"], [])


def test_one_loss_fails_the_candidate_whatever_else_is_open() -> None:
    found = judge(Evidence([(1.0, 1.5), (1.5, 1.0)] * 6, scores(30.0, 12)), LIMITS)
    assert found.answer == "fail" and found.failed == ["sharpness"] and found.undecided == ["latency"]


def test_across_cohorts_nothing_is_compared_and_what_differs_is_named() -> None:
    here = cohort_of(processor="one", versions={"torch": "2.13", "av": "18"}, cores=2)
    require_one_cohort(cohort_of(processor="one", versions={"torch": "2.13", "av": "18"}, cores=2), here, "old.json")
    other = cohort_of(processor="another", versions={"torch": "2.12", "av": "18"}, cores=2)
    with pytest.raises(SettingsError) as refused:
        require_one_cohort(other, here, "old.json")
    assert "old.json was measured in another cohort (processor another there, one here; " in str(refused.value)
    assert "versions torch 2.12 there, 2.13 here)" in str(refused.value) and "av" not in str(refused.value)

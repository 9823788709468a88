"""A clip scores the same on any threads, in any process and in any company."""

from __future__ import annotations

from reelops.benchmark.case import Bench
from reelops.benchmark.cases.scoring_sameness import SAMENESS, measure_sameness
from reelops.progress import QUIET


def test_scores_are_equal_however_they_are_measured(bench: Bench) -> None:
    found = measure_sameness(bench, QUIET)
    assert len(found["equal"]) == 9
    assert [name for name, same in found["equal"].items() if not same] == []
    (target,) = SAMENESS.targets(found)
    assert target.met and target.measured == 9

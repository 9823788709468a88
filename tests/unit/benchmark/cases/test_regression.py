"""How often the gate errs, on blocks whose truth is known and on few that are really made."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from reelops.benchmark.case import Bench
from reelops.benchmark.cases.regression import latency, quality
from reelops.benchmark.cases.regression.case import (
    latency_tables,
    latency_targets,
    quality_tables,
    quality_targets,
    regression_case,
)
from reelops.benchmark.regression.limits import Limit, RegressionLimits
from reelops.params import load_config
from reelops.progress import QUIET

LIMITS = RegressionLimits(first_look=6, looks=3, quality={"sharpness": Limit(relative=0.05)})


def blocks(slowdown: float, number: int = 300) -> list[latency.Block]:
    draw = np.random.default_rng(0)
    noise = np.exp(draw.normal(0, 0.05, (number, 3))).round(6)
    return [
        {"same": a, "again": b, "slowed": round(c * (1 + slowdown), 6), "yardstick": 0.05} for a, b, c in noise.tolist()
    ]


def test_blocks_are_judged_by_the_gate_and_by_others_and_can_be_judged_again() -> None:
    found = latency.judge_blocks(blocks(0.15), LIMITS, "2026-11-28")
    assert found["same"]["comparisons"] == 50 and found["same"]["failed_share"] <= 0.02
    assert found["slowed"]["failed_share"] >= 0.95 and set(found["rivals"]) == set(latency.RIVALS)
    again = latency.judge_blocks(latency.read_blocks(found), LIMITS, "2026-11-28")
    assert {**again, "seconds_of_blocks": 0} == {**found, "seconds_of_blocks": 0}
    assert len(list(latency_tables(found))) == 2 and all(target.met for target in latency_targets(found))


def test_a_slowdown_that_is_none_misses_the_target() -> None:
    found = latency.judge_blocks(blocks(0.0), LIMITS, "2026-11-28")
    assert [target.met for target in latency_targets(found)] == [True, False]


def test_blocks_are_clips_that_are_really_made_and_one_of_three_takes_longer(tmp_path: Path) -> None:
    made = latency.record_blocks(Bench(load_config(home=tmp_path / "home"), tmp_path), 3, QUIET)
    assert len(made) == 3 and all(min(block.values()) > 0 for block in made)


def test_a_loss_is_planted_in_scores_as_large_as_the_margin_and_three_percent() -> None:
    draw = np.random.default_rng(0)
    scored = [
        {"same": {"sharpness": v}, "again": {"sharpness": v + e}, "spoilt": {"sharpness": v - loss}}
        for v, e, loss in zip(draw.uniform(50, 150, 48), draw.normal(0, 1, 48), draw.uniform(5, 15, 48), strict=True)
    ]
    rates = quality.error_rates(scored, "sharpness", LIMITS.quality["sharpness"], LIMITS, 40)
    assert rates is not None and rates["planted"] == rates["allowed"] + 0.03 * rates["mean"]
    assert rates["false_alarms"] == 0.0 and rates["found"] >= 0.9
    found = {"metrics": {"sharpness": rates}}
    assert len(list(quality_tables(found))) == 1 and all(target.met for target in quality_targets(found))
    judged = quality.judge_scores(scored, LIMITS, "2026-11-28", 5)
    (kept, *_) = quality.read_scores(judged)
    assert kept["spoilt"]["sharpness"] == float(f"{scored[0]['spoilt']['sharpness']:.6g}")
    spoilt_for_the_better = [{**one, "spoilt": {"sharpness": 200.0}} for one in scored]
    assert quality.error_rates(spoilt_for_the_better, "sharpness", Limit(), LIMITS, 40) is None


def test_clips_that_are_made_again_say_so_in_their_command() -> None:
    case = regression_case(again=True)
    assert case.command(case.parts[0]) == "reelops benchmark regression --part latency --again"

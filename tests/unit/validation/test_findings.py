"""Shares, checks and intervals, on clips whose scores are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from training_ground import VALIDATE

from reelops.camera.moves import CameraMove
from reelops.gate.decision import Decision
from reelops.metrics.camera_motion import CameraMotion
from reelops.validation.findings import Count, find
from reelops.validation.params import ValidateParams
from reelops.validation.reload import ReloadResult

SAME = ReloadResult("style-01", "float32", max_difference=0, differing_share=0.0, mean_difference=0.0, change=3.0)
FLICKER = {**VALIDATE["style"], "trait": [{"metric": "flicker", "at_least": 0.5}, {"metric": "motion", "at_least": 1}]}
PARAMS = ValidateParams.model_validate(VALIDATE | {"style": FLICKER})


@pytest.fixture
def pair(validated):
    """Makes a pair of clips whose flicker, motion, camera and verdict are as told."""
    model = next(one for one in validated.findings.results if one.trial.group == "moves")
    style = next(one for one in validated.findings.results if one.trial.group == "style")

    def clip(of, flicker, motion=2.0, move=None, rejected=False):
        told = {"flicker": flicker, "motion": motion}
        measures = {
            name: replace(measure, value=told.get(name, measure.value)) for name, measure in of.scores.measures.items()
        }
        camera = CameraMotion(np.eye(2, 3), 1.0, 0.0, 0.0, 0.0, move, 1.0, 0.1, 0.9, 0.1) if move else None
        decision = Decision.REJECT if rejected else Decision.ACCEPT
        scores = replace(of.scores, measures=measures, camera=camera)
        return replace(of, scores=scores, verdict=replace(of.verdict, decision=decision))

    def made(group, base, adapter, asked=CameraMove.ZOOM_IN):
        one = style if group == "style" else model
        return replace(
            one,
            trial=replace(one.trial, asked=asked),
            base=clip(one.base, **base),
            adapter=clip(one.adapter, **adapter),
        )

    return made


def check(findings, name):
    return next(one for one in findings.checks if one.name == name)


def test_the_style_is_there_where_all_of_its_limits_hold(pair):
    results = [
        pair("style", {"flicker": 0.1}, {"flicker": 0.9}),
        pair("style", {"flicker": 0.6}, {"flicker": 0.9, "motion": 0.5}),
        pair("style", {"flicker": 0.1}, {"flicker": 0.5}),
        pair("style", {"flicker": 0.1}, {"flicker": None}),
    ]
    findings = find(PARAMS, results, SAME)
    assert (findings.style_count("base", True), findings.style_count("adapter", True)) == (Count(1, 4), Count(2, 4))
    assert findings.unmeasured == 1
    assert not check(findings, "min_style_in_adapter").passed and not check(findings, "max_style_in_base").passed
    assert str(check(findings, "min_style_in_adapter")) == (
        "Clips with the adapter that show tilted horizon where prompts say “tilted horizon”: 2 of 4 (50%); "
        "at least 80% is wanted."
    )


def test_a_style_that_comes_uncalled_is_found(pair):
    results = [pair("moves", {"flicker": 0.1}, {"flicker": 0.9 if number == 0 else 0.1}) for number in range(6)]
    assert not check(find(PARAMS, results, SAME), "max_style_uncalled").passed, "1 of 6 is more than 15 %"
    assert check(find(PARAMS, [*results, results[1]], SAME), "max_style_uncalled").passed, "1 of 7 is less"


@pytest.mark.parametrize(("followed", "passed"), [(21, True), (20, True), (19, False)])
def test_of_21_moves_one_may_be_lost(pair, followed, passed):
    right = {"flicker": 0.1, "move": CameraMove.ZOOM_IN}
    wrong = {"flicker": 0.1, "move": CameraMove.PAN_LEFT}
    results = [pair("moves", right, right if number < followed else wrong) for number in range(21)]
    one = check(find(PARAMS, results, SAME), "max_adherence_loss")
    assert one.value == pytest.approx((21 - followed) / 21) and one.passed is passed


def test_what_was_lost_is_no_gain_of_what_could_not_be_measured(pair):
    unclear = {"flicker": 0.1, "move": None}
    results = [pair("moves", {"flicker": 0.1, "move": CameraMove.ZOOM_IN}, unclear)]
    assert check(find(PARAMS, results, SAME), "max_adherence_loss").value == 1.0


def test_rejections_count_where_the_style_is_not_called(pair):
    good, bad = {"flicker": 0.1}, {"flicker": 0.1, "rejected": True}
    results = [pair("moves", good, bad), *(pair("moves", good, good) for _ in range(9)), pair("style", good, bad)]
    one = check(find(PARAMS, results, SAME), "max_added_rejections")
    assert one.value == pytest.approx(0.1) and one.passed, "the limit itself is still good"
    assert "1 of 10 (10%) with the adapter, 0 of 10 (0%) of the base" in str(one)


def test_a_file_that_diffusers_reads_otherwise_fails(pair):
    results = [pair("style", {"flicker": 0.1}, {"flicker": 0.9})]
    other = replace(SAME, max_difference=90, differing_share=0.9, mean_difference=2.0)
    assert not check(find(PARAMS, results, other), "max_reload_difference").passed
    near = replace(SAME, max_difference=1, differing_share=0.001, mean_difference=0.001)
    assert check(find(PARAMS, results, near), "max_reload_difference").passed
    idle = replace(SAME, mean_difference=0.5, change=0.0)
    assert check(find(PARAMS, results, idle), "max_reload_difference").value == 1.0


def test_a_limit_that_is_null_checks_nothing(pair):
    unchecked = dict.fromkeys(("max_style_in_base", "min_style_in_adapter", "max_style_uncalled", "max_adherence_loss"))
    params = PARAMS.model_copy(update={"limits": PARAMS.limits.model_copy(update=unchecked)})
    results = [pair("style", {"flicker": 0.9}, {"flicker": 0.1})]
    names = {one.name for one in find(params, results, SAME).checks}
    assert names == {"max_added_rejections", "min_change", "max_reload_difference"}


def test_intervals_are_bootstraps_of_the_paired_differences(pair):
    rng = np.random.default_rng(5)
    base, change = rng.normal(3, 1, 12), rng.normal(0.4, 0.1, 12)
    results = [pair("style", {"flicker": old}, {"flicker": old + more}) for old, more in zip(base, change, strict=True)]
    found = next(one for one in find(PARAMS, results, SAME).comparisons["style"].differences if one.metric == "flicker")
    low, high = np.quantile(rng.choice(change, (20_000, 12)).mean(axis=1), [0.025, 0.975])
    assert found.mean == pytest.approx(change.mean())
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.005)
    assert found.finding == "worse", "more flicker, and surely so"

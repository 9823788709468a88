"""`reelops benchmark recipes` on a network that makes a clip in milliseconds: gains, losses, refusals."""

from __future__ import annotations

import json

import pytest

from reelops.benchmark.case import Bench
from reelops.benchmark.cases.recipes.case import recipes_case, tables_of, targets_of, to_html
from reelops.benchmark.cases.recipes.measure import Plan, measure_recipes
from reelops.benchmark.small import SMALL, with_small_profile
from reelops.errors import SettingsError
from reelops.params import load_config
from reelops.progress import QUIET

RECIPES = {
    "baseline": {},
    "seer": {"cache": {"kind": "taylorseer"}, "guidance": {"end": 0.5}},
    "same": {"sampling": {"scheduler": "ddim"}},
}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    config = with_small_profile(load_config()).but(recipes=RECIPES)
    bench = Bench(config, tmp_path_factory.mktemp("bench"))
    return measure_recipes(Plan(profile=SMALL, steps=8, guidance=3.0, clips=2), bench, QUIET)


def test_a_recipe_is_held_against_the_baseline_and_against_fewer_steps(found):
    assert list(found["recipes"]) == ["seer"]
    seer = found["recipes"]["seer"]
    assert 1 <= seer["control"]["steps"] <= 8
    assert found["steps"] == 8 and found["guidance"] == 3.0
    assert [one["acted"] for one in seer["switches"]] == [2, 2]
    for facts in (seer, seer["control"]):
        assert 0 < facts["psnr"]["mean"] <= 100 and facts["psnr"]["low"] is None, "two clips have no interval"
        assert sum(facts["verdicts"].values()) == 2
        assert {one["finding"] for one in facts["differences"]} == {"too few pairs"}


def test_a_recipe_that_cannot_be_used_is_told_of_with_its_reason(found):
    assert "Recipe same, sampling: the profile samples so already" in found["refused"]["same"]


def test_figures_are_plain_json_and_shown_in_tables_and_a_page(found):
    assert json.loads(json.dumps(found)) == found
    titles = [table.title for table in tables_of(found)]
    assert titles[1:] == ["Scores that differ from the baseline's", "What switches did", "Refused here"]
    assert [target.met for target in targets_of(found)] == [True]
    page = to_html(found)
    assert "seer: fewer steps" in page and "<script" not in page


def test_an_unknown_recipe_ends_the_benchmark(tmp_path):
    config = with_small_profile(load_config())
    with pytest.raises(SettingsError, match=r"no recipes\.optimised"):
        measure_recipes(Plan(("optimised",), SMALL, clips=1), Bench(config, tmp_path), QUIET)


def test_the_command_names_what_makes_it_again():
    case = recipes_case(Plan(("optimized",), SMALL, guidance=3.0))
    asked = f"--recipe optimized --profile {SMALL} --guidance 3.0 --clips 6"
    assert case.command(case.parts[0]) == f"reelops benchmark recipes {asked}"

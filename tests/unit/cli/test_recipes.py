"""`reelops recipes`: the list says what speaks against each, and a trial fails where a switch does nothing."""

from __future__ import annotations

import json

import pytest
from recipe_ground import BLOCKS
from small_model import HEIGHT, PROMPT_LENGTH, WIDTH, write_small_model
from typer.testing import CliRunner

from reelops.cli import build_app

RECIPES = """
recipes:
  seer: {cache: {kind: taylorseer}}
  ratios: {cache: {kind: magnitude, threshold: 5.0}}
  strict: {cache: {kind: first_block, threshold: 0.000001}}
  still: {sampling: {scheduler: ddim}}
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    weights = write_small_model(tmp_path / "deep", num_layers=BLOCKS)
    (tmp_path / "params.yaml").write_text(
        f"profiles:\n  tiny: {{folder: {weights}, num_frames: 9, fps: 8, width: {WIDTH}, height: {HEIGHT}, steps: 8, "
        f"guidance: 3.0, prompt_length: {PROMPT_LENGTH}}}\n{RECIPES}"
    )
    monkeypatch.setenv("REELOPS_PARAMS_FILE", str(tmp_path / "params.yaml"))
    return lambda *words: CliRunner().invoke(build_app(), ["recipes", *words])


def test_the_list_says_what_speaks_against_a_recipe(run):
    found = {one["name"]: one for one in json.loads(run("--json").output)}
    assert found["seer"] == {"name": "seer", "switches": ["cache"], "refusal": None}
    assert "still, sampling: the profile samples so already" in found["still"]["refusal"]
    assert (
        "of 2 steps it would skip none"
        in {one["name"]: one for one in json.loads(run("--json", "--steps", "2").output)}["seer"]["refusal"]
    )


def test_a_trial_counts_measures_what_is_missing_and_fails_where_nothing_happens(run):
    trial = json.loads(run("seer", "--json").output)
    assert trial["findings"][0]["acts"] and trial["difference"] > 0
    measured = run("ratios", "--json")
    assert json.loads(measured.output)["findings"][0]["acts"]
    refused = run("strict")
    assert refused.exit_code != 0
    assert "Recipe strict, cache first_block: it changed nothing" in str(refused.exception) + refused.output

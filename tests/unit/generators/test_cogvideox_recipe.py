"""Orders with a recipe: found, refused before anything loads, told of in the facts."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image
from recipe_ground import BLOCKS
from small_model import HEIGHT, PLAIN_CPU, PROMPT_LENGTH, WIDTH, write_small_model

from reelops.clip import ClipOrder
from reelops.cogvideox.load import WarmModel
from reelops.errors import MachineError, SettingsError
from reelops.generators.cogvideox import CogVideoXGenerator
from reelops.params import load_config

RECIPES = """
recipes:
  skipping: {cache: {kind: taylorseer}, encodings: {}}
  strict: {cache: {kind: first_block, threshold: 0.000001}}
  small: {weights: {format: float8_stored}}
  elsewhere: {offload: model}
  wrong: {cache: {kind: first_block, threshold: many}}
"""


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return write_small_model(tmp_path_factory.mktemp("weights") / "deep", num_layers=BLOCKS)


@pytest.fixture
def generator(weights, small_picture, tmp_path):
    Image.fromarray(small_picture).save(tmp_path / "picture.png")
    fields = (
        f"folder: {weights}, num_frames: 9, fps: 8, width: {WIDTH}, height: {HEIGHT}, steps: 8, guidance: 3.0, "
        f"prompt_length: {PROMPT_LENGTH}"
    )
    profiles = f"profiles:\n  tiny: {{{fields}}}\n  quick: {{{fields}, recipe: skipping}}\n"
    (tmp_path / "params.yaml").write_text(profiles + RECIPES)
    return CogVideoXGenerator(load_config(params_file=tmp_path / "params.yaml"), PLAIN_CPU, warm_model=WarmModel())


@pytest.fixture
def order(tmp_path):
    return ClipOrder(picture=tmp_path / "picture.png", prompt="pan left")


def test_an_order_that_names_no_recipe_is_made_with_the_baseline(generator, order):
    plain = generator.generate(order)
    named = generator.generate(order.but(recipe="baseline"))
    assert plain.facts.own["recipe"] == "baseline"
    assert "recipe_did" not in plain.facts.own
    assert np.array_equal(plain.read_frames(), named.read_frames())


def test_facts_and_notes_say_what_each_switch_did(generator, order):
    made = generator.generate(order.but(recipe="skipping"))
    own = json.loads(json.dumps(made.facts.to_json()))
    assert (own["recipe"], own["recipe_asks"]["cache"]["kind"]) == ("skipping", "taylorseer")
    assert [one["switch"] for one in own["recipe_did"]] == ["cache taylorseer", "encodings"]
    assert all(one["acts"] for one in own["recipe_did"])
    assert "made with the recipe skipping: cache, encodings" in own["notes"]
    again = generator.generate(order.but(recipe="skipping")).facts.own["recipe_did"]
    assert again[1]["found"] == "2 of 2 were known"


def test_a_profile_may_have_a_recipe_and_an_order_may_do_without(generator, order):
    assert generator.generate(order.but(profile="quick")).facts.own["recipe"] == "skipping"
    assert generator.generate(order.but(profile="quick", recipe="baseline")).facts.own["recipe"] == "baseline"


def test_a_switch_that_changed_nothing_in_a_clip_is_said(generator, order):
    made = generator.generate(order.but(recipe="strict"))
    assert any("recipe strict, cache first_block: it changed nothing in this clip" in note for note in made.facts.notes)
    assert np.array_equal(made.read_frames(), generator.generate(order).read_frames())


def test_weights_in_eight_bits_are_not_those_of_the_next_order(generator, order):
    plain = generator.generate(order).read_frames()
    small = generator.generate(order.but(recipe="small"))
    assert small.facts.own["recipe_did"][0]["acts"]
    assert not np.array_equal(small.read_frames(), plain)
    assert np.array_equal(generator.generate(order).read_frames(), plain)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"recipe": "skiping"}, "no recipes.skiping. Did you mean"),
        ({"recipe": "wrong"}, "recipes.wrong.cache.first_block.threshold is 'many'"),
        ({"recipe": "skipping", "steps": 2}, "Recipe skipping, cache taylorseer: of 2 steps it would skip none"),
    ],
)
def test_a_recipe_that_cannot_be_used_is_refused_before_anything_is_loaded(generator, order, changes, word):
    with pytest.raises(SettingsError, match=word):
        generator.check(order.but(**changes))
    assert generator._warm_model._model is None


def test_offload_on_a_machine_without_a_gpu_is_refused_by_name(generator, order):
    with pytest.raises(MachineError, match=r"Recipe elsewhere, offload model: .* needs a CUDA GPU"):
        generator.generate(order.but(recipe="elsewhere"))

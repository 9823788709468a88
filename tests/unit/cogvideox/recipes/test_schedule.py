"""How a recipe walks the schedule, which steps it guides, and what it is refused for before anything is loaded."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from recipe_ground import CONFIG, STEPS, made_with, recipe_of

from reelops.cogvideox.recipes.recipe import NamedRecipe, RecipeRefused
from reelops.cogvideox.recipes.schedule import resolve

DPM = {"scheduler": "dpm", "dynamic_guidance": True, "steps": 6}


def test_the_recipe_without_a_switch_changes_nothing(deep_pipeline, small_picture, plain_frames):
    assert resolve(NamedRecipe(), CONFIG) is CONFIG
    made = made_with(deep_pipeline, small_picture)
    assert not made.findings
    assert np.array_equal(made.frames, plain_frames)


def test_steps_and_scheduler_are_the_recipes_and_counted(deep_pipeline, small_picture):
    made = made_with(deep_pipeline, small_picture, sampling=DPM)
    assert made.run.pace.passes == 6
    assert made.findings["sampling"].found == f"dpm, 6 steps in place of {STEPS}, dynamic guidance"
    assert made.findings["sampling"].acts


def test_an_orders_steps_come_before_the_recipes():
    config = resolve(recipe_of(sampling=DPM), replace(CONFIG, steps=40), steps_asked=40)
    assert (config.steps, config.scheduler) == (40, "dpm")


def test_dpm_begins_with_pure_noise_whatever_the_models_schedule_says(deep_pipeline):
    from reelops.cogvideox.sampling import build_scheduler

    config = {**deep_pipeline.scheduler.config, "timestep_spacing": "leading"}
    scheduler = build_scheduler(config, "dpm", trailing=True)
    scheduler.set_timesteps(4)
    assert scheduler.timesteps[0] == 999
    assert resolve(recipe_of(sampling=DPM), CONFIG).trailing


def test_guidance_is_left_out_where_the_window_ends(deep_pipeline, small_picture, plain_frames):
    made = made_with(deep_pipeline, small_picture, guidance={"end": 0.75})
    assert made.run.pace.unguided == 3
    assert made.run.pace.rows == made.run.work.rows["block"][0] == 2 * 9 + 3
    assert made.findings["guidance"].acts
    assert not np.array_equal(made.frames, plain_frames)


def test_a_clip_without_guidance_in_any_step_but_one_is_near_the_one_without(deep_pipeline, small_picture):
    """The branch that is left out is the empty prompt's: without guidance at all the same is computed."""
    late = made_with(deep_pipeline, small_picture, guidance={"begin": (STEPS - 1) / STEPS})
    without = made_with(deep_pipeline, small_picture, replace(CONFIG, guidance=1.0))
    guided = made_with(deep_pipeline, small_picture)
    distance = [np.abs(late.frames.astype(int) - other.frames).mean() for other in (without, guided)]
    assert distance[0] < distance[1]


@pytest.mark.parametrize(
    ("switches", "changes", "word"),
    [
        ({"sampling": {"dynamic_guidance": True}}, {}, "sampling: dynamic guidance is meant for dpm"),
        ({"sampling": {"scheduler": "dpm", "dynamic_guidance": True}}, {"guidance": 1.0}, "sampling: guidance is off"),
        ({"sampling": {"scheduler": "ddim"}}, {}, "sampling: the profile samples so already"),
        ({"sampling": {"steps": 30}}, {}, "30 steps are no fewer than 12"),
        ({"guidance": {"end": 0.5}}, {"guidance": 1.0}, "guidance: it is off"),
        ({"guidance": {"end": 0.99}}, {}, "of 12 steps none would be left out"),
        ({"compiled": {}, "offload": "sequential"}, {}, "compiled: blocks whose layers"),
        ({"weights": {"format": "float8_stored"}, "offload": "sequential"}, {}, "weights: layers that come"),
    ],
)
def test_a_switch_of_no_use_is_refused_by_name_before_anything_is_loaded(switches, changes, word):
    with pytest.raises(RecipeRefused, match=f"Recipe mine, {word}" if ":" in word else word):
        resolve(recipe_of(**switches), replace(CONFIG, **changes))


@pytest.mark.parametrize(
    ("switches", "word"),
    [
        ({"guidance": {}}, "whole schedule"),
        ({"guidance": {"begin": 0.6, "end": 0.5}}, "not before end"),
        ({"vae": {}}, "neither channels_last nor tiling"),
        ({"cache": {"kind": "deep"}}, "first_block"),
        ({"cache": {"kind": "first_block", "treshold": 0.1}}, "threshold"),
        ({"cache": {"kind": "pyramid_attention", "timesteps": [800, 100]}}, "lower and a higher"),
        ({"attention": {"backends": []}}, "at least 1 item"),
        ({"speed": {}}, "no such key"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused_where_it_is_read(switches, word):
    with pytest.raises(ValueError, match=word):
        recipe_of(**switches)

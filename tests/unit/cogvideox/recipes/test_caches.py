"""Every step cache skips what it says, by count, and is refused where it would skip nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from recipe_ground import BLOCKS, CONFIG, STEPS, made_with, recipe_of

from reelops.cogvideox.recipes.recipe import RecipeRefused, require_acting
from reelops.cogvideox.recipes.schedule import resolve

RATIOS = [1.0] * STEPS
CACHES = {
    "first_block": {"kind": "first_block", "threshold": 0.5},
    "pyramid_attention": {"kind": "pyramid_attention"},
    "faster": {"kind": "faster"},
    "magnitude": {"kind": "magnitude", "ratios": RATIOS},
    "taylorseer": {"kind": "taylorseer"},
    "taylorseer lite": {"kind": "taylorseer", "lite": True},
}


@pytest.mark.parametrize("name", CACHES)
def test_a_cache_skips_what_it_says_and_is_gone_afterwards(deep_pipeline, small_picture, plain_frames, name, as_before):
    made = made_with(deep_pipeline, small_picture, cache=CACHES[name])
    calls, skipped_part = made.run.work.calls, "block" if name in WHOLE else "attention"
    assert min(calls[skipped_part]) < STEPS
    assert made.findings["cache"].acts
    assert not np.array_equal(made.frames, plain_frames)
    again = made_with(deep_pipeline, small_picture, cache=CACHES[name])
    assert np.array_equal(made.frames, again.frames), "something is left of the clip before"
    assert again.run.work.calls == calls


WHOLE = ("first_block", "magnitude", "taylorseer lite")


def test_counts_follow_from_the_settings_of_caches_that_go_by_the_schedule_alone(deep_pipeline, small_picture):
    pyramid = made_with(deep_pipeline, small_picture, cache=CACHES["pyramid_attention"]).run.work
    # 12 trailing steps: of those with 100 < t < 800, every other one.
    timesteps = [round(1000 - step * 1000 / STEPS) - 1 for step in range(STEPS)]
    skipped = sum(100 < at < 800 and step % 2 == 1 for step, at in enumerate(timesteps))
    assert pyramid.calls["attention"] == [STEPS - skipped] * BLOCKS
    assert pyramid.calls["block"] == [STEPS] * BLOCKS
    seer = made_with(deep_pipeline, small_picture, cache={"kind": "taylorseer", "every": 3, "begin": 3}).run.work
    assert seer.calls["attention"] == seer.calls["feed_forward"] == [6] * BLOCKS, "3 whole, then steps 4, 7 and 10"
    magnitude = made_with(
        deep_pipeline, small_picture, cache={**CACHES["magnitude"], "most": 1, "retained": 0.5}
    ).run.work
    assert magnitude.calls["block"] == [9] * BLOCKS, "6 retained, then every other one"


def test_the_first_block_is_computed_in_every_step(deep_pipeline, small_picture):
    calls = made_with(deep_pipeline, small_picture, cache=CACHES["first_block"]).run.work.calls["block"]
    assert calls[0] == STEPS
    assert len(set(calls[1:])) == 1 and calls[1] < STEPS


def test_faster_cache_leaves_the_empty_prompt_out(deep_pipeline, small_picture):
    made = made_with(deep_pipeline, small_picture, cache=CACHES["faster"])
    assert made.run.work.calls["block"] == [STEPS] * BLOCKS
    assert made.run.pace.rows == 2 * STEPS
    assert made.run.work.rows["block"][0] < 2 * STEPS


def test_a_cache_that_skips_nothing_in_a_clip_fails_its_recipe(deep_pipeline, small_picture, plain_frames):
    made = made_with(deep_pipeline, small_picture, cache={"kind": "first_block", "threshold": 1e-9})
    assert np.array_equal(made.frames, plain_frames)
    assert not made.findings["cache"].acts
    with pytest.raises(RecipeRefused, match=r"Recipe mine, cache first_block: it changed nothing \(0% skipped"):
        require_acting("mine", made.findings.values())


@pytest.mark.parametrize(
    ("name", "switches", "changes", "word"),
    [
        ("first_block", {}, {"steps": 1}, "of 1 step it would skip none"),
        ("pyramid_attention", {}, {"steps": 1}, "of 1 step it would skip none"),
        ("pyramid_attention", {"guidance": {"end": 0.5}}, {}, "cannot tell guided steps from others"),
        ("pyramid_attention", {"compiled": {"backend": "eager"}}, {}, "works within blocks"),
        ("faster", {}, {"guidance": 1.0}, "guidance is off"),
        ("faster", {"guidance": {"end": 0.5}}, {}, "cannot tell guided steps from others"),
        ("magnitude", {"guidance": {"end": 0.5}}, {}, "cannot tell guided steps from others"),
        ("magnitude", {}, {"steps": 1}, "of 1 step it would skip none"),
        ("taylorseer", {}, {"steps": 3}, "of 3 steps it would skip none"),
        ("taylorseer", {"compiled": {"backend": "eager"}}, {}, "works within blocks"),
    ],
)
def test_a_cache_that_cannot_be_of_use_is_refused_by_name_before_anything_is_loaded(name, switches, changes, word):
    with pytest.raises(RecipeRefused, match=rf"Recipe mine, cache {name.split()[0]}: .*{word}"):
        resolve(recipe_of(cache=CACHES[name], **switches), replace(CONFIG, **changes))


def test_a_transformer_of_one_block_has_nothing_to_skip_after_the_first(small_pipeline, small_picture):
    with pytest.raises(RecipeRefused, match="cache first_block: the transformer has one block"):
        made_with(small_pipeline, small_picture, cache=CACHES["first_block"])


def test_a_cache_on_top_of_another_is_refused_by_name(own_pipeline, small_picture):
    from diffusers import FirstBlockCacheConfig

    own_pipeline.transformer.enable_cache(FirstBlockCacheConfig())
    with pytest.raises(RecipeRefused, match="Recipe mine, cache: it is refused by the model: Caching has already been"):
        made_with(own_pipeline, small_picture, cache=CACHES["taylorseer"])


@pytest.mark.parametrize("name", ["first_block", "taylorseer"])
def test_a_cache_keeps_guided_steps_apart_from_others(deep_pipeline, small_picture, name, as_before):
    made = made_with(deep_pipeline, small_picture, cache=CACHES[name], guidance={"end": 0.5})
    assert made.findings["cache"].acts
    assert made.run.pace.unguided == STEPS // 2


def test_a_cache_without_guidance_acts_too(deep_pipeline, small_picture):
    for name in ("first_block", "taylorseer", "magnitude", "pyramid_attention"):
        made = made_with(deep_pipeline, small_picture, replace(CONFIG, guidance=1.0), cache=CACHES[name])
        assert made.findings["cache"].acts

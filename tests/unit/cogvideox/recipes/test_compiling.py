"""Compiled blocks: they run, and whatever cannot compile here is named."""

from __future__ import annotations

import numpy as np
import pytest
from recipe_ground import BLOCKS, STEPS, made_with, recipe_of

from reelops.cogvideox.recipes.recipe import RecipeRefused


def test_blocks_are_compiled_as_few_pieces_of_code_that_run_in_every_step(
    deep_pipeline, small_picture, plain_frames, as_before
):
    made = made_with(deep_pipeline, small_picture, compiled={"backend": "eager"})
    assert made.findings["compiled"].acts
    assert f"ran {BLOCKS * STEPS} times in {BLOCKS * STEPS} calls" in made.findings["compiled"].found
    assert np.abs(made.frames.astype(int) - plain_frames).max() <= 1
    pieces = made.findings["compiled"].found.split(" pieces")[0]
    again = made_with(deep_pipeline, small_picture, compiled={"backend": "eager"})
    assert again.findings["compiled"].found.startswith(f"{pieces} pieces"), "compiled anew"


def test_a_cache_of_whole_blocks_skips_compiled_code(deep_pipeline, small_picture, as_before):
    made = made_with(
        deep_pipeline,
        small_picture,
        compiled={"backend": "eager"},
        cache={"kind": "first_block", "threshold": 0.5},
        attention={"backends": ["_native_math"]},
    )
    assert {name for name, finding in made.findings.items() if finding.acts} == {"compiled", "cache", "attention"}
    assert made.run.work.calls["block"][1] < STEPS


def test_a_backend_that_cannot_compile_here_is_refused_by_name(deep_pipeline, small_picture):
    with pytest.raises(RecipeRefused, match="Recipe mine, compiled: nonsense cannot compile here: Invalid backend"):
        made_with(deep_pipeline, small_picture, compiled={"backend": "nonsense"})


def test_a_mode_that_there_is_not_is_refused_where_it_is_read():
    with pytest.raises(ValueError, match="max-autotune"):
        recipe_of(compiled={"mode": "fastest"})

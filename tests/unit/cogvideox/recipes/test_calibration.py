"""The ratios that MagCache goes by: measured as diffusers measures them, kept, and asked for where they are missing."""

from __future__ import annotations

import contextlib
import io
from dataclasses import replace

import numpy as np
import pytest
from recipe_ground import CONFIG, STEPS, made_with
from small_model import CLIP

from reelops.cogvideox.recipes.calibration import keep_ratios, kept_ratios, ratios_measured
from reelops.cogvideox.recipes.recipe import RecipeRefused
from reelops.cogvideox.sampling import sample_frames


def test_ratios_are_those_that_diffusers_prints(own_pipeline, small_picture):
    from diffusers import MagCacheConfig

    with ratios_measured(own_pipeline.transformer) as ours:
        sample_frames(own_pipeline, small_picture, "pan left", CLIP, CONFIG)
    own_pipeline.transformer.enable_cache(MagCacheConfig(calibrate=True, num_inference_steps=STEPS))
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        sample_frames(own_pipeline, small_picture, "pan left", CLIP, CONFIG)
    theirs = [float(number) for number in printed.getvalue().split("[")[-1].split("]")[0].split(",")]
    assert np.allclose(ours, theirs, rtol=1e-4)
    assert len(ours) == STEPS


def test_ratios_are_kept_for_a_model_and_a_schedule(tmp_path):
    keep_ratios(tmp_path, "revision", CONFIG, [1.0, 0.5])
    assert kept_ratios(tmp_path, "revision", replace(CONFIG, seed=9)) == [1.0, 0.5]
    for other in ({"steps": 3}, {"scheduler": "dpm"}, {"guidance": 1.0}, {"dynamic_guidance": True}):
        assert kept_ratios(tmp_path, "revision", replace(CONFIG, **other)) is None
    assert kept_ratios(tmp_path, "another", CONFIG) is None


def test_damaged_ratios_are_as_good_as_none(tmp_path):
    keep_ratios(tmp_path, "revision", CONFIG, [1.0]).write_text('{"ratios": [null]}')
    assert kept_ratios(tmp_path, "revision", CONFIG) is None


def test_without_ratios_the_refusal_names_what_measures_them(deep_pipeline, small_picture):
    with pytest.raises(RecipeRefused, match=r"cache magnitude: its ratios are not known .*`reelops recipes mine`"):
        made_with(deep_pipeline, small_picture, cache={"kind": "magnitude"})

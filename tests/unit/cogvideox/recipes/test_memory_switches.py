"""Switches that save memory: weights in fewer bits, tiles, layouts, encodings that are kept, groups of layers."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
import torch
from recipe_ground import CONFIG, made_with, recipe_of
from small_model import CLIP

from reelops.cogvideox.encodings import Encodings
from reelops.cogvideox.load import offload_in_groups
from reelops.cogvideox.recipes.recipe import RecipeRefused, WeightFormat
from reelops.cogvideox.recipes.weights import check_weights, hold_weights, weight_bytes
from reelops.cogvideox.sampling import sample_frames


def test_weights_stored_in_eight_bits_take_fewer_bytes_and_give_nearly_the_clip(
    own_pipeline, small_picture, plain_frames
):
    before = weight_bytes(own_pipeline.transformer)
    held = hold_weights(own_pipeline.transformer, WeightFormat(format="float8_stored"))
    assert held.bytes_before == before and held.bytes_after < 0.7 * before
    made = made_with(own_pipeline, small_picture, run={"held": held}, weights={"format": "float8_stored"})
    assert made.findings["weights"].acts
    difference = np.abs(made.frames.astype(int) - plain_frames)
    assert 0 < difference.mean() < 4
    assert own_pipeline.transformer.dtype == torch.float32, "the format of computing is what it was"


def test_weights_that_were_loaded_as_they_are_fail_the_switch(deep_pipeline, small_picture):
    with pytest.raises(RecipeRefused, match="Recipe mine, weights: the model was loaded without float8_stored"):
        made_with(deep_pipeline, small_picture, weights={"format": "float8_stored"})


@pytest.mark.skipif(importlib.util.find_spec("torchao") is not None, reason="torchao is here")
@pytest.mark.parametrize("kind", ["float8", "int8"])
def test_a_format_of_a_package_that_is_not_here_is_refused_by_name(kind):
    with pytest.raises(RecipeRefused, match=f"weights: {kind} needs the package torchao.*float8_stored"):
        check_weights(recipe_of(weights={"format": kind}))


def test_tiles_are_counted_and_gone_afterwards(deep_pipeline, small_picture, as_before):
    made = made_with(deep_pipeline, small_picture, vae={"tiling": True})
    assert made.findings["vae"].acts
    assert made.findings["vae"].found == f"decoded in {made.run.pace.decoded} pieces, 1 without tiles"
    assert made.run.pace.decoded > 1


def test_tiles_that_are_there_anyway_change_nothing(own_pipeline, small_picture):
    own_pipeline.vae.enable_tiling()
    made = made_with(own_pipeline, small_picture, vae={"tiling": True})
    assert not made.findings["vae"].acts
    assert "anyway" in made.findings["vae"].found
    assert own_pipeline.vae.use_tiling


def test_channels_come_last_in_convolutions_and_go_back(deep_pipeline, small_picture, plain_frames, as_before):
    made = made_with(deep_pipeline, small_picture, vae={"channels_last": True})
    assert made.findings["vae"].acts
    assert np.abs(made.frames.astype(int) - plain_frames).max() <= 1
    assert all(module.weight.is_contiguous() for module in deep_pipeline.vae.modules() if hasattr(module, "weight"))


def test_kept_encodings_give_the_same_clip_without_the_encoders(deep_pipeline, small_picture, plain_frames, as_before):
    kept, calls = Encodings(), []
    hooks = [
        network.register_forward_hook(lambda *_: calls.append(1))
        for network in (deep_pipeline.text_encoder, deep_pipeline.vae.encoder)
    ]
    try:
        made = [made_with(deep_pipeline, small_picture, run={"encodings": kept}, encodings={}) for _ in range(2)]
        assert len(calls) == 2, "each once, for the first clip"
        made_with(deep_pipeline, 255 - small_picture, run={"encodings": kept}, encodings={})
        assert len(calls) == 3, "another picture"
    finally:
        for hook in hooks:
            hook.remove()
    assert [one.findings["encodings"].found for one in made] == ["0 of 2 were known", "2 of 2 were known"]
    assert all(np.array_equal(one.frames, plain_frames) for one in made)


def test_encodings_are_kept_up_to_a_number_and_the_oldest_goes():
    kept = Encodings(most=2)
    for key in "abac":
        kept.of("prompts", key, lambda: object())
    assert (kept.made, kept.reused) == (3, 1)
    kept.of("prompts", "a", lambda: object())
    kept.of("prompts", "b", lambda: object())
    assert (kept.made, kept.reused) == (4, 2), "b went when c came"


def test_groups_of_layers_come_and_go_without_changing_a_bit(own_pipeline, small_picture, plain_frames):
    offload_in_groups(own_pipeline, "cpu")
    grouped = [module for module in own_pipeline.transformer.modules() if hasattr(module, "_diffusers_hook")]
    assert any("group_offloading" in module._diffusers_hook.hooks for module in grouped)
    frames = sample_frames(own_pipeline, small_picture, "pan left", CLIP, CONFIG).frames_THWC
    assert np.array_equal(frames, plain_frames)

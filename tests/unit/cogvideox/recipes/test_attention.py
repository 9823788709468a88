"""Attention by a chosen kernel: it runs, for this model alone, and one that would change nothing is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from recipe_ground import BLOCKS, STEPS, made_with

from reelops.cogvideox.recipes import attention
from reelops.cogvideox.recipes.attention import DispatchedAttention, try_backend
from reelops.cogvideox.recipes.recipe import RecipeRefused


def test_a_backend_takes_effect_in_every_block_and_step(deep_pipeline, small_picture, plain_frames, as_before):
    made = made_with(deep_pipeline, small_picture, attention={"backends": ["_native_math"]})
    assert made.findings["attention"].acts
    assert made.findings["attention"].found == f"_native_math in {BLOCKS * STEPS} calls, by bmm and softmax"
    assert np.abs(made.frames.astype(int) - plain_frames).max() <= 1


def test_other_models_keep_their_backend(deep_pipeline, small_picture):
    from diffusers.models.attention_dispatch import _AttentionBackendRegistry

    before = _AttentionBackendRegistry.get_active_backend()
    made_with(deep_pipeline, small_picture, attention={"backends": ["_native_math"]})
    assert _AttentionBackendRegistry.get_active_backend() == before


def test_the_first_backend_that_works_here_is_taken(deep_pipeline, small_picture):
    made = made_with(deep_pipeline, small_picture, attention={"backends": ["sage", "_native_math"]})
    assert made.findings["attention"].found.startswith("_native_math")


@pytest.mark.parametrize(
    ("backend", "word"),
    [
        ("nonsense", "nonsense: Backend nonsense is not registered"),
        ("flash", "flash: Flash Attention backend 'flash' is not usable"),
        ("native", "native: it runs .*, as attention does anyway"),
        ("_native_cudnn", "_native_cudnn: No viable backend"),
    ],
)
def test_a_backend_that_is_of_no_use_here_is_refused_with_its_reason(deep_pipeline, small_picture, backend, word):
    if torch.cuda.is_available() and backend != "nonsense":
        pytest.skip("a GPU may have it")
    with pytest.raises(RecipeRefused, match=f"Recipe mine, attention: no backend can be used here .*{word}"):
        made_with(deep_pipeline, small_picture, attention={"backends": [backend]})


def test_a_kernel_that_is_far_from_exact_is_refused(deep_pipeline, monkeypatch):
    exact = attention._ran

    def clipped(backend, given):
        kernel, made = exact(backend, given)
        return kernel, made.clamp(-0.05, 0.05) if backend == "_native_math" else made

    monkeypatch.setattr(attention, "_ran", clipped)
    trial = try_backend("_native_math", deep_pipeline.transformer)
    assert trial.refusal is not None and "differs from exact attention by" in trial.refusal


def test_our_attention_is_cogvideoxs(deep_pipeline):
    """Against diffusers' own processor, with positions, in bfloat16 and float32."""
    block = deep_pipeline.transformer.transformer_blocks[1]
    generator = torch.Generator().manual_seed(0)
    video, text = (torch.randn(2, tokens, 32, generator=generator) for tokens in (36, 24))
    turns = torch.randn(36, 16, generator=generator)
    rotary = (turns.cos(), turns.sin())
    with torch.no_grad():
        theirs = block.attn1.processor(block.attn1, video, text, image_rotary_emb=rotary)
        ours = DispatchedAttention("native")(block.attn1, video, text, image_rotary_emb=rotary)
    for one, other in zip(ours, theirs, strict=True):
        assert torch.allclose(one, other, atol=1e-6)

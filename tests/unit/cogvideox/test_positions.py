"""Clips of other shapes than a base was trained in: its positions are stretched over them, and its own again after."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from small_model import CLIP, FRAMES, HEIGHT, PROMPT_LENGTH, WIDTH

from reelops.clip import ClipFormat
from reelops.cogvideox.positions import positions_for, stretched
from reelops.cogvideox.sampling import sample_frames
from reelops.cogvideox.sampling_config import SamplingConfig

CONFIG = SamplingConfig(steps=1, guidance=1.0, prompt_length=PROMPT_LENGTH)
STANDING = ClipFormat(FRAMES, Fraction(8), HEIGHT, WIDTH)
LATENT_FRAMES = 3


def sampled(pipeline: Any, picture_HWC: np.ndarray, clip: ClipFormat) -> np.ndarray:
    picture = np.array(Image.fromarray(picture_HWC).resize((clip.width, clip.height)))
    return sample_frames(pipeline, picture, "pan left", clip, CONFIG).frames_THWC


def test_another_shape_is_sampled_and_leaves_the_own_one_to_the_bit(
    small_pipeline: Any, small_picture: np.ndarray
) -> None:
    before = sampled(small_pipeline, small_picture, CLIP)
    assert sampled(small_pipeline, small_picture, STANDING).shape == (FRAMES, WIDTH, HEIGHT, 3)
    assert np.array_equal(sampled(small_pipeline, small_picture, CLIP), before)


def test_diffusers_itself_refuses_another_shape(small_pipeline: Any) -> None:
    embed = small_pipeline.transformer.patch_embed
    with pytest.raises(ValueError, match="different resolution"):
        embed(torch.zeros(1, PROMPT_LENGTH, 16), torch.zeros(1, 3, 32, WIDTH // 4, HEIGHT // 4))


def test_positions_stretched_over_their_own_grid_stay_as_they_are() -> None:
    positions = torch.randn(1, 5 + 2 * 6, 8)
    assert torch.allclose(stretched(positions, 5, (2, 3), (2, 3)), positions, atol=1e-6)


def test_stretched_positions_run_from_edge_to_edge_and_leave_the_texts_alone() -> None:
    """A ramp over the columns is, over twice as many, the ramp of half the slope around the same middle, but for the
    little that torch's cubic kernel bends."""
    ramp = torch.arange(8.0).expand(4, 8)
    positions = torch.cat([torch.full((1, 5, 1), 9.0), ramp.reshape(1, -1, 1)], dim=1)
    found = stretched(positions, 5, (4, 8), (2, 16))
    assert torch.equal(found[:, :5], positions[:, :5])
    row = found[0, 5:, 0].unflatten(0, (2, 16))[0]
    assert torch.allclose(row[4:-4], (torch.arange(16.0) / 2 - 0.25)[4:-4], atol=0.06)


def test_rotary_positions_of_the_own_shape_are_the_pipelines(small_pipeline: Any) -> None:
    own = small_pipeline._prepare_rotary_positional_embeddings(HEIGHT, WIDTH, LATENT_FRAMES, torch.device("cpu"))
    with positions_for(small_pipeline, WIDTH, HEIGHT, LATENT_FRAMES, torch.device("cpu")) as rotary:
        assert rotary is not None
        assert all(torch.equal(ours, theirs) for ours, theirs in zip(rotary, own, strict=True))


def test_rotary_positions_of_another_shape_cover_the_range_that_was_learned(small_pipeline: Any) -> None:
    """The last token of a longer side stands as far along as the last of the learned one, but for part of a token."""
    with positions_for(small_pipeline, HEIGHT, WIDTH, LATENT_FRAMES, torch.device("cpu")) as rotary:
        assert rotary is not None
        cosine = rotary[0]
    assert cosine.shape == (LATENT_FRAMES * (WIDTH // 16) * (HEIGHT // 16), 16)
    first_frame = cosine.unflatten(0, (LATENT_FRAMES, WIDTH // 16, HEIGHT // 16))[0]
    down = first_frame[:, 0, 4]  # the fastest of the height's frequencies: one radian a token
    learned_rows = HEIGHT // 16
    assert torch.allclose(down, torch.cos(torch.arange(3.0) * learned_rows / 3), atol=1e-5)

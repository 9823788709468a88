"""A small model with enough blocks for something to be skipped."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from recipe_ground import BLOCKS, CONFIG
from small_model import CLIP, write_small_model

from reelops.cogvideox.sampling import sample_frames


@pytest.fixture(scope="session")
def deep_model(tmp_path_factory: pytest.TempPathFactory):
    return write_small_model(tmp_path_factory.mktemp("weights") / "deep", num_layers=BLOCKS)


def open_pipeline(folder) -> Any:
    import torch
    from diffusers import CogVideoXImageToVideoPipeline

    pipeline = CogVideoXImageToVideoPipeline.from_pretrained(str(folder), dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@pytest.fixture(scope="session")
def deep_pipeline(deep_model) -> Any:
    return open_pipeline(deep_model)


@pytest.fixture
def own_pipeline(deep_model) -> Any:
    """One that the test may leave changed."""
    return open_pipeline(deep_model)


@pytest.fixture(scope="session")
def plain_frames(deep_pipeline, small_picture) -> np.ndarray:
    """The clip without a recipe."""
    return sample_frames(deep_pipeline, small_picture, "pan left", CLIP, CONFIG).frames_THWC


@pytest.fixture
def as_before(deep_pipeline, small_picture, plain_frames):
    """After the test the shared pipeline must give the plain clip again, bit for bit, and no module have a forward pass
    that was put on it."""
    yield
    after = sample_frames(deep_pipeline, small_picture, "pan left", CLIP, CONFIG).frames_THWC
    assert np.array_equal(after, plain_frames)
    blocks = deep_pipeline.transformer.transformer_blocks
    assert not [part for block in blocks for part in (block, block.attn1, block.ff) if "forward" in vars(part)]

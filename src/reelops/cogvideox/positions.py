"""Positions of a clip's tokens, in the shape a base was trained in and in others.

A base that learned its positions knows one grid of them. In another shape that grid is stretched over the clip, each
side by itself: the right edge is the right edge again, and a camera move over a share of the frame covers that share.
In its own shape nothing is stretched, and positions are those that diffusers' pipeline makes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

Rotary = tuple[Tensor, Tensor]


@contextmanager
def positions_for(
    pipeline: Any, width: int, height: int, latent_frames: int, device: torch.device
) -> Iterator[Rotary | None]:
    """Within it the pipeline's transformer takes clips of this size.

    Args:
        width, height: of the clip, in pixels.
        latent_frames: of the clip.

    Yields the rotary positions, cosines and sines (tokens, head_dim); None where the base has none.
    """
    transformer = pipeline.transformer
    embed, config = transformer.patch_embed, transformer.config
    ratio = pipeline.vae_scale_factor_spatial
    native = (config.sample_height, config.sample_width)
    latent_size = (height // ratio, width // ratio)
    if not config.use_learned_positional_embeddings or latent_size == native:
        rotary = None
        if config.use_rotary_positional_embeddings:
            rotary = pipeline._prepare_rotary_positional_embeddings(height, width, latent_frames, device)
        yield rotary
        return
    own = embed.pos_embedding
    grid, native_grid = (tuple(side // config.patch_size for side in size) for size in (latent_size, native))
    try:
        embed.pos_embedding = stretched(own, config.max_text_seq_length, native_grid, grid)
        embed.sample_height, embed.sample_width = latent_size
        yield _stretched_rotary(config, native_grid, grid, latent_frames, device)
    finally:
        embed.pos_embedding = own
        embed.sample_height, embed.sample_width = native


def stretched(positions: Tensor, text_length: int, native_grid: tuple[int, ...], grid: tuple[int, ...]) -> Tensor:
    """Learned positions (1, text tokens + frames x tokens, D) over another grid of tokens, by cubic interpolation.

    Args:
        text_length: tokens of text, whose positions stay as they are.
        native_grid, grid: rows and columns of tokens that were learned, and that are wanted.
    """
    text, places = positions[:, :text_length], positions[0, text_length:]
    frames_FDHW = places.unflatten(0, (-1, *native_grid)).permute(0, 3, 1, 2).float()
    over_FDHW = torch.nn.functional.interpolate(frames_FDHW, size=grid, mode="bicubic", align_corners=False)
    return torch.cat([text, over_FDHW.permute(0, 2, 3, 1).flatten(0, 2)[None].to(positions.dtype)], dim=1)


def _stretched_rotary(
    config: Any, native_grid: tuple[int, ...], grid: tuple[int, ...], latent_frames: int, device: torch.device
) -> Rotary | None:
    from diffusers.models.embeddings import get_3d_rotary_pos_embed

    if not config.use_rotary_positional_embeddings:
        return None
    cosine, sine = get_3d_rotary_pos_embed(
        embed_dim=config.attention_head_dim,
        crops_coords=((0, 0), native_grid),
        grid_size=grid,
        temporal_size=latent_frames,
        device=device,
    )
    return cosine, sine

"""The transformer alone, as training holds it: no VAE and no text encoder in memory.

Shapes: B batch, F latent frames, C channels, H W latent height and width, L tokens, D text width.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter

from reelops.cogvideox.architecture import Architecture
from reelops.errors import WeightsError
from reelops.foreign import reading_foreign

Rotary = tuple[Tensor, Tensor]
_FORMATS = {"BF16": torch.bfloat16, "F16": torch.float16}
# What diffusers' patch embedding knows of positions, and for which clips it holds.
_POSITIONED = ("pos_embedding", "sample_frames", "sample_height", "sample_width")


def load_transformer(folder: Path, dtype: str | None = None) -> Any:
    """The frozen transformer of a base in diffusers layout.

    Args:
        dtype: None leaves the weights as they are stored: mapped from their files, they take no memory of this process
            until `place_base` reads them, and processes on one machine share what they read.

    Raises:
        WeightsError: its weights do not fit its config.
    """
    from diffusers import CogVideoXTransformer3DModel
    from diffusers.utils import logging

    logging.disable_progress_bar()
    with reading_foreign(
        folder / "transformer", WeightsError, "holds weights that do not fit their config", "copy them again"
    ):
        kind = getattr(torch, dtype) if dtype is not None else _stored_dtype(folder / "transformer")
        transformer = CogVideoXTransformer3DModel.from_pretrained(
            str(folder), subfolder="transformer", torch_dtype=kind, use_safetensors=True
        )
    return transformer.requires_grad_(False)


def place_base(module: Any, dtype: torch.dtype, device: torch.device, adapter: Collection[Parameter] = ()) -> None:
    """Moves a module's frozen weights to a device in a number format, one by one: none is held twice for long.

    Args:
        adapter: parameters that stay as they are.
    """
    own = {id(parameter) for parameter in adapter}
    for parameter in module.parameters():
        if id(parameter) not in own:
            parameter.data = parameter.data.to(device, dtype)


def _stored_dtype(folder: Path) -> torch.dtype:
    """The format of a network's weights in their files; float32, which holds all of them, where they differ."""
    from safetensors import safe_open

    found = set()
    for file in folder.glob("*.safetensors"):
        with safe_open(file, "pt") as tensors:
            found |= {tensors.get_slice(name).get_dtype() for name in tensors.keys()}  # noqa: SIM118 - no mapping
    return _FORMATS.get(found.pop(), torch.float32) if len(found) == 1 else torch.float32


def meta_transformer(architecture: Architecture) -> Any:
    """The architecture's transformer without any memory for its weights: for counting."""
    from diffusers import CogVideoXTransformer3DModel

    config = {key: value for key, value in architecture.configs["transformer"].items() if not key.startswith("_")}
    with torch.device("meta"):
        return CogVideoXTransformer3DModel(**config).requires_grad_(False)


def rotary_positions(config: Any, latent_size: tuple[int, int], latent_frames: int, device: Any) -> Rotary | None:
    """Cosines and sines (tokens, head_dim) of rotary positions, as the pipeline makes them; None where it has none.

    Args:
        latent_size: height and width of the latents.
    """
    from diffusers.models.embeddings import get_3d_rotary_pos_embed
    from diffusers.pipelines.cogvideo.pipeline_cogvideox import get_resize_crop_region_for_grid

    if not config.use_rotary_positional_embeddings:
        return None
    grid = (latent_size[0] // config.patch_size, latent_size[1] // config.patch_size)
    crops = get_resize_crop_region_for_grid(
        grid, config.sample_width // config.patch_size, config.sample_height // config.patch_size
    )
    cosine, sine = get_3d_rotary_pos_embed(
        embed_dim=config.attention_head_dim,
        crops_coords=crops,
        grid_size=grid,
        temporal_size=latent_frames,
        device=device,
    )
    return cosine, sine


def predict_velocity(
    transformer: Any,
    noisy_BFCHW: Tensor,
    condition_BFCHW: Tensor,
    text_BLD: Tensor,
    timesteps_B: Tensor,
    rotary: Rotary | None,
    dtype: torch.dtype,
) -> Tensor:
    """v, float32, (B, F, C, H, W): the picture's condition comes after the noisy video on the channels."""
    seen = torch.cat([noisy_BFCHW, condition_BFCHW], dim=2).to(dtype)
    velocity: Tensor = transformer(
        hidden_states=seen,
        encoder_hidden_states=text_BLD.to(dtype),
        timestep=timesteps_B,
        image_rotary_emb=rotary,
        return_dict=False,
    )[0]
    return velocity.float()


@contextmanager
def frame_subset(
    transformer: Any, frames: Sequence[int], rotary: Rotary | None, latent_frames: int, latent_size: tuple[int, int]
) -> Iterator[Rotary | None]:
    """Within it the transformer takes only these of a clip's latent frames, each at its true position.

    Args:
        frames: numbers from 0 to `latent_frames` - 1, rising.
        rotary: positions of a whole clip.
        latent_frames: of a whole clip.
        latent_size: height and width of the clip's latents.

    Yields the rotary positions of those frames. Position embeddings that were learned or computed for whole clips are
    cut to the same frames; attention simply has fewer tokens.
    """
    embed = transformer.patch_embed
    kept = {name: getattr(embed, name, None) for name in _POSITIONED}
    chosen = torch.as_tensor(list(frames))
    try:
        if kept["pos_embedding"] is not None:
            whole = _positions_of(embed, latent_frames, latent_size)
            text, places = whole.split([embed.max_text_seq_length, whole.shape[1] - embed.max_text_seq_length], dim=1)
            places = places.unflatten(1, (latent_frames, -1))[:, chosen.to(whole.device)].flatten(1, 2)
            embed.pos_embedding = torch.cat([text, places], dim=1)
            embed.sample_frames = (len(frames) - 1) * embed.temporal_compression_ratio + 1
            embed.sample_height, embed.sample_width = latent_size
        yield _cut(rotary, chosen, latent_frames)
    finally:
        if kept["pos_embedding"] is not None:
            for name, value in kept.items():
                setattr(embed, name, value)


def _positions_of(embed: Any, latent_frames: int, latent_size: tuple[int, int]) -> Tensor:
    """Position embeddings (1, tokens, D) of a whole clip: the network's own where the clip has its length and size.

    Others are computed, as the network does for itself; one that learned them knows no others, and takes no other clip.
    """
    num_frames = (latent_frames - 1) * embed.temporal_compression_ratio + 1
    own: Tensor = embed.pos_embedding
    if embed.use_learned_positional_embeddings:
        return own
    if (embed.sample_frames, embed.sample_height, embed.sample_width) == (num_frames, *latent_size):
        return own
    computed: Tensor = embed._get_positional_embeddings(*latent_size, num_frames, device=own.device)
    return computed.to(own.dtype)


def _cut(rotary: Rotary | None, frames: Tensor, latent_frames: int) -> Rotary | None:
    if rotary is None:
        return None
    cosine, sine = (part.unflatten(0, (latent_frames, -1))[frames.to(part.device)].flatten(0, 1) for part in rotary)
    return cosine, sine

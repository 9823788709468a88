"""Tiles add up to the picture, whatever its size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from reelops.cogvideox.tiling import enable_tiling, exact_overlap


def test_the_5bs_own_overlap_is_kept() -> None:
    assert (exact_overlap(30, 8, 1 / 6), exact_overlap(45, 8, 1 / 5)) == (1 / 6, 1 / 5)


@pytest.mark.parametrize("size", [(32, 48), (48, 32), (40, 40), (36, 52)])
def test_a_picture_in_tiles_has_its_own_size_and(small_pipeline: Any, size: tuple[int, int]) -> None:
    from diffusers import AutoencoderKLCogVideoX

    vae = AutoencoderKLCogVideoX.from_config(small_pipeline.vae.config)
    vae.load_state_dict(small_pipeline.vae.state_dict())
    latents = torch.randn(1, 16, 1, size[0] // 4, size[1] // 4, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        whole = vae.decode(latents).sample
        enable_tiling(vae)
        tiled = vae.decode(latents).sample
        encoded = vae.encode(tiled).latent_dist.mean
    assert tiled.shape == whole.shape == (1, 3, 1, *size) and encoded.shape == latents.shape


def test_the_embedded_model_decodes_its_own_format_in_tiles(repository: Path) -> None:
    from diffusers import AutoencoderKLCogVideoX

    vae = AutoencoderKLCogVideoX.from_pretrained(str(repository / "models/tiny-i2v/vae"))
    enable_tiling(vae)
    with torch.no_grad():
        assert vae.decode(torch.zeros(1, 16, 1, 40, 60)).sample.shape == (1, 3, 1, 160, 240)

"""Tiles of the VAE, which overlap by whole latents: only then do the parts add up to the whole picture."""

from __future__ import annotations

from typing import Any


def enable_tiling(vae: Any) -> None:
    """Lets a VAE encode and decode in overlapping tiles, half as wide and half as high as the pictures it was made for.

    diffusers cuts tiles in latents and blends them in pixels, and rounds both for themselves. With the overlap that it
    has by itself they agree for tiles of CogVideoX-5B's size; for others it makes a picture of another size.
    """
    vae.enable_tiling()
    ratio = 2 ** (len(vae.config.block_out_channels) - 1)
    vae.tile_overlap_factor_height = exact_overlap(vae.tile_latent_min_height, ratio, vae.tile_overlap_factor_height)
    vae.tile_overlap_factor_width = exact_overlap(vae.tile_latent_min_width, ratio, vae.tile_overlap_factor_width)


def exact_overlap(tile: int, ratio: int, wanted: float) -> float:
    """The share of a tile that the next one has too, nearest to the one wanted, by whole latents.

    Args:
        tile: side of a tile, in latents.
        ratio: pixels per latent, in each direction.
    """
    shares = [wanted, *(latents / tile for latents in range(1, tile))]
    return min((share for share in shares if _adds_up(tile, ratio, share)), key=lambda share: abs(share - wanted))


def _adds_up(tile: int, ratio: int, share: float) -> bool:
    """Whether what is kept of a tile after blending is what lies before the next one, encoding and decoding; in
    diffusers' own arithmetic."""
    decoded = tile * ratio - int(tile * ratio * share) == int(tile * (1 - share)) * ratio
    encoded = (tile - int(tile * share)) * ratio == int(tile * ratio * (1 - share))
    return decoded and encoded

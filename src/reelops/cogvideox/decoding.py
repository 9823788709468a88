"""From clean latents to frames, piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from reelops.cogvideox.finite import require_finite


def decode_latents(vae: Any, latents_BFCHW: Tensor, finished: Callable[[int, int], None]) -> np.ndarray:
    """Clean latents of one clip -> frames (T, H, W, 3) uint8.

    The VAE decodes two latent frames at a time (and tile by tile, with tiling), which bounds memory; a stop is heard
    between these pieces.

    Args:
        finished: told how many pieces of how many are done; none, to begin with.
    """
    z_BCFHW = latents_BFCHW.permute(0, 2, 1, 3, 4) / vae.config.scaling_factor
    pieces = count_decoder_calls(vae, tuple(z_BCFHW.shape[2:]))
    done = 0
    finished(done, pieces)

    def finished_piece(*_: Any) -> None:
        nonlocal done
        done += 1
        finished(done, pieces)

    hook = vae.decoder.register_forward_hook(finished_piece)
    try:
        frames_CTHW = vae.decode(z_BCFHW.to(vae.dtype)).sample[0]
    finally:
        hook.remove()
    return to_uint8(frames_CTHW)


def count_decoder_calls(vae: Any, latent_size: Sequence[int]) -> int:
    """How often decoding latents of (F, H, W) calls the decoder."""
    frames, height, width = latent_size
    chunks = count_chunks(vae, frames)
    if not vae.use_tiling or (width <= vae.tile_latent_min_width and height <= vae.tile_latent_min_height):
        return chunks
    down = int(vae.tile_latent_min_height * (1 - vae.tile_overlap_factor_height))
    across = int(vae.tile_latent_min_width * (1 - vae.tile_overlap_factor_width))
    return chunks * len(range(0, height, down)) * len(range(0, width, across))


def count_chunks(vae: Any, latent_frames: int) -> int:
    """How often decoding so many latent frames calls the decoder without tiles."""
    return max(int(latent_frames // vae.num_latent_frames_batch_size), 1)


def to_uint8(frames_CTHW: Tensor) -> np.ndarray:
    """(3, T, H, W) in [-1, 1] -> (T, H, W, 3) uint8, rounded as diffusers rounds.

    Raises:
        MachineError, WeightsError: a value is not finite; as a pixel it would be black.
    """
    frames = np.empty((frames_CTHW.shape[1], *frames_CTHW.shape[2:], 3), np.uint8)
    for index, frame_CHW in enumerate(frames_CTHW.unbind(1)):
        require_finite(frame_CHW, f"the decoded pixels of frame {index}")
        pixels = (frame_CHW.float() * 0.5 + 0.5).clamp(0, 1).permute(1, 2, 0).cpu().numpy()
        frames[index] = (pixels * 255).round()
    return frames

"""What training needs of a clip, encoded once: posteriors of the video and of its picture, vectors of its captions.

A posterior is kept as mean and log variance rather than as one draw from it, so that every visit of a sample draws
again, as an encoder at hand would. The picture is encoded clean, and a few times under the conditioning noise of
training.

Shapes: K noised pictures, T frames, F latent frames, C channels, H W height and width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor

from reelops.cogvideox.conditioning import encode_prompts, picture_moments, picture_tensor
from reelops.cogvideox.finite import require_finite

_OTHER_FORMAT = "Set latents.dtype to bfloat16 or float32."


@dataclass(frozen=True)
class ClipMoments:
    """Posteriors of one clip, unscaled, float32.

    Attributes:
        video_mean, video_logvar: (F, C, H, W).
        picture_mean, picture_logvar: (1 + K, C, H, W); row 0 is the clean picture, as sampling conditions on it.
    """

    video_mean: Tensor
    video_logvar: Tensor
    picture_mean: Tensor
    picture_logvar: Tensor


@torch.no_grad()
def encode_clip(vae: Any, frames_THWC: np.ndarray, picture_HWC: np.ndarray, noised: int, seed: int) -> ClipMoments:
    """Encodes a clip and its picture.

    Args:
        frames_THWC, picture_HWC: RGB uint8 at the model's size.
        noised: K.
        seed: of the noise on the pictures.

    Raises:
        MachineError: the VAE overflowed in float16, which says nothing of the clip.
        WeightsError: what it makes is not finite in another format.
    """
    video_mean, video_logvar = video_moments(vae, frames_THWC)
    require_finite(video_mean, "the video's latents", vae.dtype, _OTHER_FORMAT)
    picture_CHW = picture_tensor(picture_HWC).to(vae.device)[0]
    rows = [picture_moments(vae, picture_CHW)]
    for row in range(noised):
        generator = Generator("cpu").manual_seed((seed * 1_000_003 + row) % 2**32)
        rows.append(picture_moments(vae, picture_CHW, generator, training=True))
    means, logvars = zip(*rows, strict=True)
    require_finite(torch.stack(means), "the picture's latents", vae.dtype, _OTHER_FORMAT)
    return ClipMoments(video_mean, video_logvar, torch.stack(means), torch.stack(logvars).float())


def video_moments(vae: Any, frames_THWC: np.ndarray) -> tuple[Tensor, Tensor]:
    """Mean and log variance (F, C, H, W), float32, of RGB uint8 frames at the model's size."""
    pixels_TCHW = torch.cat([picture_tensor(frame) for frame in frames_THWC])
    video_BCTHW = pixels_TCHW.permute(1, 0, 2, 3)[None].to(vae.device, vae.dtype)
    posterior = vae.encode(video_BCTHW).latent_dist
    return posterior.mean.float()[0].transpose(0, 1), posterior.logvar.float()[0].transpose(0, 1)


@torch.no_grad()
def encode_texts(
    tokenizer: Any, text_encoder: Any, captions: Sequence[str], length: int
) -> tuple[Tensor, tuple[str, ...]]:
    """Vectors (N, length, D) of captions as sampling makes them, and notes on captions that were cut short.

    Raises:
        MachineError, WeightsError: they are not finite; see `encode_clip`.
    """
    encoded = encode_prompts(tokenizer, text_encoder, captions, length, text_encoder.device)
    require_finite(encoded.vectors_BLD, "a caption's vectors", without_float16=_OTHER_FORMAT)
    return encoded.vectors_BLD, encoded.notes

"""What the transformer is given beside the noisy video: the picture and the prompt.

One function makes the picture's part for sampling and for training, so that the two cannot drift apart.

Shapes: B batch, C channels, F latent frames, H W height and width (of pixels or of latents), L tokens, D text width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor

# Noise on the picture in training: log sigma ~ N(-3, 0.5), one sigma a sample (CogVideoX, arXiv:2408.06072, section
# on image-to-video). It closes the gap between clean training pictures and what users bring.
LOG_SIGMA_MEAN = -3.0
LOG_SIGMA_STD = 0.5


def picture_tensor(picture_HWC: np.ndarray) -> Tensor:
    """RGB uint8 (H, W, 3) -> (1, 3, H, W) float32 in [-1, 1]."""
    scaled = torch.from_numpy(np.ascontiguousarray(picture_HWC)).permute(2, 0, 1)[None].float() / 255.0
    return 2.0 * scaled - 1.0


def noised_for_training(picture_CHW: Tensor, generator: Generator | None) -> Tensor:
    """picture + sigma * noise, log sigma ~ N(-3, 0.5): pixels in [-1, 1] with the authors' conditioning noise."""
    draw = _draw((1,), generator, picture_CHW.device)
    sigma = torch.exp(LOG_SIGMA_MEAN + LOG_SIGMA_STD * draw)
    return picture_CHW + sigma * _draw(tuple(picture_CHW.shape), generator, picture_CHW.device)


def picture_latent_scale(vae: Any) -> float:
    """What a picture's latents are multiplied by.

    The scaling factor; its inverse for models that were trained so by mistake (`invert_scale_latents`, CogVideoX 1.5).
    Video latents take the scaling factor itself in both.
    """
    factor = float(vae.config.scaling_factor)
    return 1.0 / factor if vae.config.invert_scale_latents else factor


def picture_condition(
    vae: Any,
    pictures_BCHW: Tensor,
    latent_frames: int,
    generator: Generator | Sequence[Generator] | None = None,
    training: bool = False,
    moments: Sequence[tuple[Tensor, Tensor]] = (),
) -> Tensor:
    """The picture's part of the transformer's input: encoded, scaled, padded with empty latent frames.

    Equal to `CogVideoXImageToVideoPipeline.prepare_latents` in float32, draw for draw.

    Args:
        pictures_BCHW: pixels in [-1, 1].
        latent_frames: F of the video the condition goes with.
        generator: for the VAE's posterior and, in training, the noise; one for all samples or one per sample.
        training: noise the pictures first.
        moments: what `picture_moments` gives of the clean pictures, where that is known.

    Returns:
        (B, F, C, H, W) float32: the picture's latents, then F - 1 frames of zeros.
    """
    latents = []
    for index, picture_CHW in enumerate(pictures_BCHW):
        own = generator[index] if isinstance(generator, Sequence) else generator
        mean, logvar = moments[index] if moments else picture_moments(vae, picture_CHW, own, training)
        latents.append(draw_latents(mean, logvar, _draw(tuple(mean.shape), own, mean.device)))
    return pad_condition(picture_latent_scale(vae) * torch.stack(latents), latent_frames)


def picture_moments(
    vae: Any, picture_CHW: Tensor, generator: Generator | None = None, training: bool = False
) -> tuple[Tensor, Tensor]:
    """Mean (C, H, W), float32, and log variance, in the VAE's own format, of a picture; noised first in training."""
    pixels = noised_for_training(picture_CHW, generator) if training else picture_CHW
    posterior = vae.encode(pixels[None, :, None].to(vae.dtype)).latent_dist
    return posterior.mean.float()[0, :, 0], posterior.logvar[0, :, 0]


def draw_latents(mean: Tensor, logvar: Tensor, noise: Tensor) -> Tensor:
    """mean + exp(logvar / 2) * noise, of any shape: a draw from the VAE's posterior, not yet scaled."""
    return mean + torch.exp(0.5 * logvar).float() * noise


def pad_condition(picture_BCHW: Tensor, latent_frames: int) -> Tensor:
    """Scaled latents of pictures (B, C, H, W) -> (B, F, C, H, W): the picture first, then F - 1 frames of zeros."""
    padding = picture_BCHW.new_zeros(len(picture_BCHW), latent_frames - 1, *picture_BCHW.shape[1:])
    return torch.cat([picture_BCHW[:, None], padding], dim=1)


def _draw(shape: tuple[int, ...], generator: Generator | None, device: torch.device) -> Tensor:
    """Standard normal float32, drawn where the generator lives: the same numbers on every device and in every dtype."""
    where = generator.device if generator is not None else device
    return torch.randn(shape, generator=generator, device=where, dtype=torch.float32).to(device)


@dataclass(frozen=True)
class EncodedPrompts:
    """Text vectors (B, L, D), and notes for the user about them."""

    vectors_BLD: Tensor
    notes: tuple[str, ...] = ()


def encode_prompts(
    tokenizer: Any, text_encoder: Any, prompts: Sequence[str], length: int, device: Any
) -> EncodedPrompts:
    """Prompts -> the text encoder's last hidden states, padded or cut to `length` tokens, without a mask.

    CogVideoX was trained with padding visible to attention, so none is masked here.
    """
    ids = tokenizer(
        list(prompts),
        padding="max_length",
        max_length=length,
        truncation=True,
        add_special_tokens=True,
        return_tensors="pt",
    ).input_ids
    notes = []
    for prompt in dict.fromkeys(prompts):
        whole = tokenizer(prompt, truncation=False, verbose=False).input_ids
        if len(whole) > length:
            dropped = tokenizer.decode(whole[length - 1 :], skip_special_tokens=True).strip()
            notes.append(
                f"the prompt has {len(whole)} tokens and the model reads {length}; left out: “{_short(dropped)}”"
            )
    return EncodedPrompts(text_encoder(ids.to(device))[0], tuple(notes))


def _short(text: str, limit: int = 120) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"

"""Training steps as diffusers' own example takes them, to measure ours beside.

What `examples/cogvideo/train_cogvideox_image_to_video_lora.py` does is done here, and nothing else of it: every clip is
encoded before the first step, and VAE and text encoder stay in memory; a step draws latents from the posteriors, makes
its rotary positions, noises by the scheduler, runs the transformer on all latent frames of one clip, takes the weighted
error of x0, clips gradients over all parameters, and lets AdamW and a schedule step. It computes in float32 unless it
is asked for bfloat16. No logging, no checkpoints, no validation, which cost the example time that is not measured here.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from reelops.cogvideox.conditioning import picture_tensor
from reelops.cogvideox.denoiser import load_transformer, rotary_positions
from reelops.system.hardware import inspect_machine

if TYPE_CHECKING:
    import numpy as np

    from reelops.training.encode import TextEncoder
    from reelops.training.params import TrainParams


def steps_as_published(
    folder: Path,
    clips: Sequence[tuple[np.ndarray, str]],
    params: TrainParams,
    dtype: str,
    prompt_length: int,
    steps: int,
) -> Iterator[tuple[float, float]]:
    """Trains, and yields for each step its seconds and those of them that went into making the sample.

    Args:
        folder: of the base.
        clips: frames (T, H, W, 3), RGB uint8 at the model's size, and a caption.
        params: for rank, alpha, targets, rates and checkpointing of gradients.
        dtype: what everything computes in.
    """
    from diffusers import CogVideoXDPMScheduler
    from diffusers.optimization import get_scheduler
    from peft import LoraConfig

    from reelops.training.encode import load_text_encoder, load_vae

    device = inspect_machine().device
    vae, encoder = load_vae(folder, dtype, device), load_text_encoder(folder, dtype, device)
    transformer = load_transformer(folder, dtype).train()
    if params.gradient_checkpointing:
        transformer.enable_gradient_checkpointing()
    transformer.add_adapter(LoraConfig(r=params.rank, lora_alpha=params.alpha, target_modules=list(params.targets)))
    scheduler = CogVideoXDPMScheduler.from_pretrained(str(folder), subfolder="scheduler")
    trained = [parameter for parameter in transformer.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, params.lr, params.betas, 1e-8, params.weight_decay)
    rates = get_scheduler(params.schedule, optimizer, num_warmup_steps=params.warmup_steps, num_training_steps=steps)
    kept = [_encoded(vae, encoder, frames, caption, prompt_length) for frames, caption in clips]
    for step in range(steps):
        began = time.monotonic()
        video_BFCHW, condition_BFCHW, text_BLD = _sample(kept[step % len(kept)], vae, params.picture_dropout)
        made = time.monotonic()
        with torch.autocast(video_BFCHW.device.type, torch.bfloat16, enabled=dtype == "bfloat16"):
            loss = published_loss(transformer, scheduler, video_BFCHW, condition_BFCHW, text_BLD, getattr(torch, dtype))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(transformer.parameters(), params.clip_norm)
        optimizer.step()
        optimizer.zero_grad()
        rates.step()
        loss.item()
        yield time.monotonic() - began, made - began


@torch.no_grad()
def _encoded(
    vae: Any, encoder: TextEncoder, frames_THWC: np.ndarray, caption: str, prompt_length: int
) -> tuple[Any, Any, Tensor]:
    """Posteriors of a clip and of its noised first frame, and the caption's vectors."""
    from reelops.cogvideox.latents import encode_texts

    pixels = torch.cat([picture_tensor(frame) for frame in frames_THWC])
    video_BCTHW = pixels.permute(1, 0, 2, 3)[None].to(vae.device, vae.dtype)
    first = video_BCTHW[:, :, :1]
    noised = first + torch.randn_like(first) * torch.exp(-3.0 + 0.5 * torch.randn(1)).to(first)
    vectors, _ = encode_texts(encoder.tokenizer, encoder.network, [caption], prompt_length)
    return vae.encode(video_BCTHW).latent_dist, vae.encode(noised).latent_dist, vectors


def _sample(kept: tuple[Any, Any, Tensor], vae: Any, picture_dropout: float) -> tuple[Tensor, Tensor, Tensor]:
    """Latents of the video and the padded condition (1, F, C, H, W), and the text."""
    video, picture, text = kept
    video_BFCHW, picture_BFCHW = (
        (one.sample() * vae.config.scaling_factor).permute(0, 2, 1, 3, 4).contiguous().float()
        for one in (video, picture)
    )
    padding = picture_BFCHW.new_zeros(1, video_BFCHW.shape[1] - 1, *video_BFCHW.shape[2:])
    condition = torch.cat([picture_BFCHW, padding], dim=1)
    lost = random.random() < picture_dropout  # noqa: S311 - no secret
    return video_BFCHW, torch.zeros_like(condition) if lost else condition, text


def published_loss(
    transformer: Any,
    scheduler: Any,
    video_BFCHW: Tensor,
    condition_BFCHW: Tensor,
    text_BLD: Tensor,
    dtype: torch.dtype,
) -> Tensor:
    """The error of x0, weighted by 1 / (1 - a_t)."""
    video, condition = video_BFCHW.to(dtype), condition_BFCHW.to(dtype)
    timesteps_B = torch.randint(0, scheduler.config.num_train_timesteps, (1,), device=video.device)
    noisy = scheduler.add_noise(video, torch.randn_like(video), timesteps_B)
    size = (video.shape[3], video.shape[4])
    velocity = transformer(
        hidden_states=torch.cat([noisy, condition], dim=2),
        encoder_hidden_states=text_BLD.to(dtype),
        timestep=timesteps_B,
        image_rotary_emb=rotary_positions(transformer.config, size, video.shape[1], video.device),
        return_dict=False,
    )[0]
    found = scheduler.get_velocity(velocity, noisy, timesteps_B)
    weight = 1 / (1 - scheduler.alphas_cumprod[timesteps_B])
    loss: Tensor = (weight.view(-1, 1, 1, 1, 1) * (found - video) ** 2).mean()
    return loss

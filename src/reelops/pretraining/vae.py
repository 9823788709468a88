"""The embedded model's VAE: 4x in space, 4x in time, 16 latent channels, in diffusers' own CogVideoX class."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from reelops.camera.filming import film_somewhere
from reelops.camera.moves import CameraMove, CameraSpeed, path_of
from reelops.cogvideox.finite import require_finite
from reelops.errors import Cancelled
from reelops.pretraining.checkpoint import STOPPED, load_checkpoint, save_checkpoint
from reelops.pretraining.muon import Muon
from reelops.progress import QUIET, RunContext

# Standard deviation of the posterior, the same everywhere; latents are held near unit variance, so it costs the
# decoder little and makes latents that the transformer gets slightly wrong decode gracefully.
POSTERIOR_STD = 0.03
CLIP_FRAMES = 49


@dataclass(frozen=True)
class VaeConfig:
    """Shape and training of the VAE.

    Attributes:
        crop: (frames, height, width); frames must be 8k + 1.
        video_share: pieces of real videos among the clips.
        chroma_weight, change_weight: see `reconstruction_loss`.
        pool: clips to crop from.
    """

    channels: tuple[int, ...] = (16, 32, 64)
    size: tuple[int, int] = (240, 160)
    crop: tuple[int, int, int] = (9, 32, 48)
    batch: int = 4
    lr: float = 0.012
    adam_lr: float = 2e-3
    seconds: float = 3600.0
    warmup_steps: int = 50
    video_share: float = 0.12
    chroma_weight: float = 2.0
    change_weight: float = 0.0
    pool: int = 2500
    optimizer: Literal["muon", "adam"] = "muon"
    seed: int = 0


def build_vae(config: VaeConfig) -> Any:
    """An untrained VAE whose posterior has a constant standard deviation."""
    from diffusers import AutoencoderKLCogVideoX

    levels = len(config.channels)
    width, height = config.size
    torch.manual_seed(config.seed)
    vae = AutoencoderKLCogVideoX(
        down_block_types=("CogVideoXDownBlock3D",) * levels,
        up_block_types=("CogVideoXUpBlock3D",) * levels,
        block_out_channels=config.channels,
        latent_channels=16,
        layers_per_block=1,
        norm_num_groups=8,
        temporal_compression_ratio=4,
        sample_height=height,
        sample_width=width,
        scaling_factor=1.0,
        invert_scale_latents=False,
    )
    log_variance_rows = vae.encoder.conv_out.conv
    with torch.no_grad():
        log_variance_rows.weight[16:] = 0.0
        log_variance_rows.bias[16:] = 2 * math.log(POSTERIOR_STD)
    return vae


def film_pool(
    pictures: list[np.ndarray], videos: list[np.ndarray], config: VaeConfig, rng: np.random.Generator
) -> list[np.ndarray]:
    """Short clips (T, H, W, 3) uint8 to crop from: camera moves over pictures, and pieces of real videos."""
    frames = config.crop[0]
    moves = [move for move in CameraMove for _ in range(1 if move is CameraMove.STATIC else 2)]
    pool = []
    for _ in range(config.pool):
        if videos and rng.random() < config.video_share:
            video = videos[rng.integers(len(videos))]
            start = int(rng.integers(0, len(video) - frames + 1))
            pool.append(video[start : start + frames])
            continue
        start = int(rng.integers(0, CLIP_FRAMES - frames + 1))
        times = np.arange(start, start + frames) / (CLIP_FRAMES - 1)
        speed = list(CameraSpeed)[rng.choice(3, p=(0.3, 0.5, 0.2))]
        picture = pictures[rng.integers(len(pictures))]
        path = path_of(moves[rng.integers(len(moves))], speed)
        pool.append(film_somewhere(picture, path, config.size, times, rng))
    return pool


def crops(pool: list[np.ndarray], config: VaeConfig, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Endless random crops (T, H, W, 3) uint8 of a pool of clips, mirrored in space and time at random."""
    _, height, width = config.crop
    while True:
        clip = pool[rng.integers(len(pool))]
        y = int(rng.integers(0, clip.shape[1] - height + 1))
        x = int(rng.integers(0, clip.shape[2] - width + 1))
        crop = clip[:, y : y + height, x : x + width]
        for axis in range(3):
            if rng.random() < 0.5:
                crop = np.flip(crop, axis)
        yield crop


def to_tensor(clips_BTHWC: np.ndarray) -> Tensor:
    """(B, T, H, W, 3) uint8 -> (B, 3, T, H, W) float in [-1, 1]."""
    return torch.from_numpy(np.ascontiguousarray(clips_BTHWC.transpose(0, 4, 1, 2, 3))).float().div_(127.5).sub_(1)


def colour_differences(rgb_BCTHW: Tensor) -> Tensor:
    """Red and blue minus luma (BT.601), unscaled: (B, 2, T, H, W)."""
    red, green, blue = rgb_BCTHW.unbind(1)
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    return torch.stack([red - luma, blue - luma], 1)


def reconstruction_loss(output: Tensor, target: Tensor, chroma_weight: float, change_weight: float) -> Tensor:
    """Squared and absolute error of (B, 3, T, H, W), with extra weight on what such a network otherwise learns last.

    That is colour, and change from frame to frame: four frames come out of one latent frame, and the fourth begins as
    a repetition of the third. With that weight (5) the difference doubles every 200 steps; without, it stays away.
    """
    difference = output - target
    chroma = colour_differences(difference).square().mean()
    change = difference.diff(dim=2).square().mean()
    squared = difference.square().mean() + (chroma_weight - 1) * chroma + change_weight * change
    return 4.0 * squared + 0.5 * difference.abs().mean()


def train_step(vae: Any, target: Tensor, config: VaeConfig, frozen_encoder: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Loss, mean squared error and latents of one batch."""
    with torch.autocast("cpu", torch.bfloat16):
        with torch.set_grad_enabled(not frozen_encoder):
            latents = vae.encode(target).latent_dist.mean
        noisy = latents + POSTERIOR_STD * torch.randn_like(latents)
        output = vae.decode(noisy).sample
    output, latents = output.float(), latents.float()
    loss = reconstruction_loss(output, target, config.chroma_weight, config.change_weight)
    if not frozen_encoder:
        dims = (0, 2, 3, 4)
        loss = loss + 0.01 * ((latents.std(dims) - 1).square().mean() + latents.mean(dims).square().mean())
    return loss, (output - target).square().mean().detach(), latents.detach()


def train_vae(
    vae: Any,
    pictures: list[np.ndarray],
    videos: list[np.ndarray],
    config: VaeConfig,
    checkpoint: Path,
    phase: str,
    context: RunContext = QUIET,
    frozen_encoder: bool = False,
) -> None:
    """Trains for `config.seconds` of wall time in all, counting what earlier runs did; saves every minute.

    Args:
        phase: what progress is reported as.

    Raises:
        Cancelled: somebody asked to stop; the checkpoint is saved.
    """
    trained = vae.decoder if frozen_encoder else vae
    edges = ("conv_in", "decoder.conv_out", "encoder.conv_out")
    matrices: list[Tensor] = []
    others: list[Tensor] = []
    for name, parameter in trained.named_parameters():
        inner = parameter.ndim >= 2 and not any(edge in name for edge in edges) and "conv_out" not in name
        (matrices if inner else others).append(parameter)
    if config.optimizer == "adam":
        matrices, others = [], matrices + others
    optimizer = Muon(matrices, others, config.lr, config.adam_lr)
    state = load_checkpoint(checkpoint, vae, optimizer)
    step, spent = int(state.get("step", 0)), float(state.get("seconds", 0.0))
    rng = np.random.default_rng((config.seed, step))
    source = crops(film_pool(pictures, videos, config, rng), config, rng)
    torch.manual_seed(config.seed + step)
    average, saved, began = 0.0, time.monotonic(), time.monotonic() - spent
    while (seconds := time.monotonic() - began) < config.seconds:
        done = seconds / config.seconds
        optimizer.scale_lr(
            min(1.0, (step + 1) / config.warmup_steps) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done)))
        )
        target = to_tensor(np.stack([next(source) for _ in range(config.batch)]))
        loss, error, latents = train_step(vae, target, config, frozen_encoder)
        optimizer.zero_grad()
        loss.backward()
        if not frozen_encoder:
            with torch.no_grad():
                vae.encoder.conv_out.conv.weight.grad[16:] = 0.0
                vae.encoder.conv_out.conv.bias.grad[16:] = 0.0
        optimizer.step()
        average = error.item() if not average else 0.98 * average + 0.02 * error.item()
        step += 1
        if step % 50 == 0:
            psnr, latent_std = round(10 * math.log10(4 / average), 2), round(latents.std().item(), 3)
            context.progress(phase, seconds, config.seconds, "seconds", step=step, psnr=psnr, latent_std=latent_std)
        stopped = context.should_stop()
        if stopped or time.monotonic() - saved > 60:
            save_checkpoint(checkpoint, vae, optimizer, {"step": step, "seconds": seconds})
            saved = time.monotonic()
        if stopped:
            raise Cancelled(STOPPED)
    save_checkpoint(checkpoint, vae, optimizer, {"step": step, "seconds": config.seconds})


@torch.no_grad()
def normalise_latents(vae: Any, clips: list[np.ndarray]) -> list[float]:
    """Scales every latent channel to unit variance over `clips`, and the decoder so that nothing else changes.

    Returns the standard deviations found. Exact: the decoder reads latents through convolutions alone.
    """
    from diffusers.models.autoencoders.autoencoder_kl_cogvideox import CogVideoXSpatialNorm3D

    with torch.autocast("cpu", torch.bfloat16):
        latents = [vae.encode(to_tensor(clip[None])).latent_dist.mean.float() for clip in clips]
    deviation = torch.cat([part.transpose(0, 1).flatten(1) for part in latents], 1).std(1)
    out = vae.encoder.conv_out.conv
    out.weight[:16] /= deviation.view(-1, 1, 1, 1, 1)
    out.bias[:16] /= deviation
    readers = [vae.decoder.conv_in.conv]
    for module in vae.decoder.modules():
        if isinstance(module, CogVideoXSpatialNorm3D):
            readers += [module.conv_y.conv, module.conv_b.conv]
    for convolution in readers:
        convolution.weight *= deviation.view(1, -1, 1, 1, 1)
    return [round(value, 4) for value in deviation.tolist()]


@torch.no_grad()
def reconstruct(vae: Any, clip_THWC: np.ndarray) -> np.ndarray:
    """A clip through the VAE and back, in bf16 arithmetic.

    Raises:
        WeightsError: a pixel is not finite.
    """
    with torch.autocast("cpu", torch.bfloat16):
        latents = vae.encode(to_tensor(clip_THWC[None])).latent_dist.mean
        output = require_finite(vae.decode(latents).sample.float(), "the pixels of a clip through the VAE")
    pixels = ((output[0].clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    frames: np.ndarray = pixels.permute(1, 2, 3, 0).numpy()
    return frames

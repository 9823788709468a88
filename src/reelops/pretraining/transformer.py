"""The embedded model's transformer: diffusers' CogVideoX class, made small, and how it learns camera moves.

A clip of one picture under one move is all but determined by its first frame and its caption, so most steps train on
a few latent frames of a clip: the first, which carries the picture, and some others at their true positions. That
shows the transformer several times as many pictures in the same time. Some steps see whole clips and the full text, so
that it stays used to them.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from reelops.errors import Cancelled, WeightsError
from reelops.foreign import json_object, reading_foreign
from reelops.pretraining.alignment import Alignment, AttentionRecorder
from reelops.pretraining.checkpoint import STOPPED, load_checkpoint, save_checkpoint
from reelops.pretraining.latents import LatentPool
from reelops.pretraining.muon import Muon
from reelops.progress import QUIET, RunContext

# B batch, F latent frames, C channels, H W latent height and width, N tokens, D width


@dataclass(frozen=True)
class TransformerConfig:
    """Shape and training of the transformer.

    Attributes:
        batch: clips in a step of two latent frames; steps of more frames take fewer.
        frames_per_step, frames_odds: how many latent frames a step sees, drawn by these odds.
        short_text: tokens of text in steps of few frames; whole captions fit, padding does not.
        aligned_blocks: blocks whose attention is taught where to look (`reelops.pretraining.alignment`); it takes as
            many heads as a token has latent pixels.
        aligned_spreads: how far apart the heads of each of them look.
        align_weight: weight of that loss at first; the diffusion loss has one.
        align_share: the share of training by which it has faded out.
        ema: decay of the average of the weights, per step.
    """

    heads: int = 5
    head_dim: int = 64
    layers: int = 5
    time_width: int = 32
    patch: int = 2
    latent_size: tuple[int, int] = (60, 40)
    num_frames: int = 49
    text_length: int = 226
    text_width: int = 96
    batch: int = 4
    frames_per_step: tuple[int, ...] = (2, 3, 5, 13)
    frames_odds: tuple[float, ...] = (0.7, 0.2, 0.06, 0.04)
    short_text: int = 40
    aligned_blocks: tuple[int, ...] = (1, 2)
    aligned_spreads: tuple[float, ...] = (2.0, 1.0)
    align_weight: float = 0.1
    align_share: float = 0.9
    lr: float = 0.01
    adam_lr: float = 1e-3
    seconds: float = 3600.0
    warmup_steps: int = 100
    text_dropout: float = 0.1
    ema: float = 0.998
    seed: int = 0


def with_shape_of(saved: Path, config: TransformerConfig) -> TransformerConfig:
    """`config` with the shape of a saved transformer's config.json.

    Raises:
        WeightsError: that says no shape.
    """
    with reading_foreign(saved, WeightsError, "tells no transformer's shape"):
        shape = json_object(saved.read_text(encoding="utf-8"))
        return replace(
            config,
            heads=shape["num_attention_heads"],
            head_dim=shape["attention_head_dim"],
            layers=shape["num_layers"],
            time_width=shape["time_embed_dim"],
            patch=shape["patch_size"],
            latent_size=(shape["sample_width"], shape["sample_height"]),
            num_frames=shape["sample_frames"],
            text_length=shape["max_text_seq_length"],
            text_width=shape["text_embed_dim"],
        )


def build_transformer(config: TransformerConfig) -> Any:
    """An untrained transformer that knows three things already: see the functions below that start its parts."""
    from diffusers import CogVideoXTransformer3DModel

    torch.manual_seed(config.seed)
    width, height = config.latent_size
    model = CogVideoXTransformer3DModel(
        num_attention_heads=config.heads,
        attention_head_dim=config.head_dim,
        in_channels=32,
        out_channels=16,
        time_embed_dim=config.time_width,
        text_embed_dim=config.text_width,
        num_layers=config.layers,
        sample_width=width,
        sample_height=height,
        sample_frames=config.num_frames,
        patch_size=config.patch,
        temporal_compression_ratio=4,
        max_text_seq_length=config.text_length,
        spatial_interpolation_scale=1.0,
        temporal_interpolation_scale=1.0,
        use_rotary_positional_embeddings=True,
        use_learned_positional_embeddings=True,
    )
    with torch.no_grad():
        _init_noise_passthrough(model)
        _init_copying_attention(model.transformer_blocks[0].attn1)
        for block in model.transformer_blocks:
            _init_plain_residual(block.norm1.linear)
            _init_plain_residual(block.norm2.linear)
            _init_same_place_attention(block.attn1, config.head_dim)
    positions = model.patch_embed.pos_embedding
    del model.patch_embed._buffers["pos_embedding"]
    model.patch_embed.pos_embedding = nn.Parameter(positions.float() * 0.3)
    return model


def _init_noise_passthrough(model: Any) -> None:
    """Starts the noisy patch on its own dimensions of the stream, and copies of the picture's patch on the others.

    The target is v = (sqrt(a) x_t - x0) / sqrt(1 - a): the input, scaled by the timestep, less what the clip shows.
    Learning to hand a full-rank patch of noise through the stream otherwise takes most of the training. Where a head
    is as wide as a patch has values, each head but the first starts with a whole patch of the picture to fetch.
    """
    proj, width = model.patch_embed.proj, model.proj_out.in_features
    patch_values = model.proj_out.out_features
    if patch_values > width:
        return
    half = proj.in_channels // 2
    values = torch.eye(patch_values).view(patch_values, half, *proj.kernel_size)
    proj.weight.zero_()
    proj.bias.zero_()
    proj.weight[:patch_values, :half] = values
    copies = (width - patch_values) // patch_values
    for copy in range(1, copies + 1):
        proj.weight[copy * patch_values : (copy + 1) * patch_values, half:] = values
    model.proj_out.weight.zero_()
    model.proj_out.bias.zero_()
    model.proj_out.weight[:, :patch_values] = 0.1 * torch.eye(patch_values)


def _init_copying_attention(attention: Any) -> None:
    """Starts values and output as the identity: what a token looks at is added to it."""
    for linear, scale in ((attention.to_v, 1.0), (attention.to_out[0], 0.5)):
        torch.nn.init.eye_(linear.weight).mul_(scale)
        linear.bias.zero_()


def _init_plain_residual(linear: nn.Linear) -> None:
    """Modulation (shift, scale, gate, for pictures and for text) that does nothing at first: gates at one."""
    width = linear.out_features // 6
    linear.weight.mul_(0.02)
    linear.bias.zero_()
    linear.bias[2 * width : 3 * width] = 1.0
    linear.bias[5 * width :] = 1.0


def _init_same_place_attention(attention: Any, head_dim: int) -> None:
    """Starts queries and keys with a constant part on the rotary dimensions of height and width.

    Rotated by position, that part scores highest where query and key stand at the same place of their frames, so
    that every frame begins by looking at what the picture shows there, which is where training has to get to.
    """
    time_dims = head_dim // 4
    for norm in (attention.norm_q, attention.norm_k):
        norm.bias[time_dims:] = 2.0


def rotary_embedding(config: TransformerConfig) -> tuple[Tensor, Tensor]:
    """Cosines and sines (frames, tokens per frame, head_dim), as the diffusers pipeline makes them."""
    from diffusers.models.embeddings import get_3d_rotary_pos_embed

    width, height = (side // config.patch for side in config.latent_size)
    frames = (config.num_frames - 1) // 4 + 1
    cosine, sine = get_3d_rotary_pos_embed(
        embed_dim=config.head_dim,
        crops_coords=((0, 0), (height, width)),
        grid_size=(height, width),
        temporal_size=frames,
    )
    shape = (frames, height * width, config.head_dim)
    return cosine.reshape(shape), sine.reshape(shape)


def forward_frames(
    model: Any,
    latents_BFCHW: Tensor,
    text_BND: Tensor,
    timesteps_B: Tensor,
    frames: Tensor,
    rotary: tuple[Tensor, Tensor],
) -> Tensor:
    """The transformer's forward pass over some latent frames of a clip only, at their own positions.

    With all frames and the full text it equals the model's own forward pass (tested).
    """
    embed = model.patch_embed
    batch, count, channels, height, width = latents_BFCHW.shape
    time = model.time_embedding(model.time_proj(timesteps_B).to(latents_BFCHW.dtype), None)
    tokens = embed.proj(latents_BFCHW.reshape(-1, channels, height, width)).flatten(2).transpose(1, 2)
    places = embed.pos_embedding[:, embed.max_text_seq_length :]
    tokens_per_frame = tokens.shape[1]
    places = places.reshape(1, -1, tokens_per_frame, places.shape[-1])[:, frames]
    hidden = (tokens.reshape(batch, count, tokens_per_frame, -1) + places).flatten(1, 2)
    text = embed.text_proj(text_BND) + embed.pos_embedding[:, : text_BND.shape[1]]
    rotated = tuple(part[frames].flatten(0, 1) for part in rotary)
    for block in model.transformer_blocks:
        hidden, text = block(hidden, text, time, image_rotary_emb=rotated)
    hidden = model.proj_out(model.norm_out(model.norm_final(hidden), temb=time))
    patch = model.config.patch_size
    out: Tensor = hidden.reshape(batch, count, height // patch, width // patch, -1, patch, patch)
    return out.permute(0, 1, 4, 2, 5, 3, 6).flatten(5, 6).flatten(3, 4)


def alphas_cumprod() -> Tensor:
    """The scheduler's noise levels, in float64: scaled-linear betas rescaled to zero terminal SNR."""
    from reelops.pretraining.bundle import build_scheduler

    levels: Tensor = build_scheduler().alphas_cumprod
    return levels.double()


def draw_timesteps(count: int) -> Tensor:
    """Half of them high noise, where picture and prompt alone decide the clip; one in ten below 300: grain."""
    low, middle, high = (torch.randint(*bounds, (count,)) for bounds in ((0, 300), (300, 900), (900, 1000)))
    draw = torch.rand(count)
    return torch.where(draw < 0.1, low, torch.where(draw < 0.5, middle, high))


def diffusion_loss(
    model: Any,
    clips_BFCHW: Tensor,
    pictures_BCHW: Tensor,
    text_BND: Tensor,
    frames: Tensor,
    rotary: tuple[Tensor, Tensor],
    alphas: Tensor,
) -> Tensor:
    """Mean squared error on v = sqrt(a) noise - sqrt(1 - a) x0 (Salimans & Ho 2022), over the chosen latent frames."""
    clean = clips_BFCHW[:, frames]
    timesteps = draw_timesteps(len(clean))
    alpha = alphas[timesteps].float().view(-1, 1, 1, 1, 1)
    noise = torch.randn_like(clean)
    noisy = alpha.sqrt() * clean + (1 - alpha).sqrt() * noise
    velocity = alpha.sqrt() * noise - (1 - alpha).sqrt() * clean
    condition = torch.zeros_like(clean)
    condition[:, 0] = pictures_BCHW + 0.03 * torch.randn_like(pictures_BCHW)
    inputs = torch.cat([noisy, condition], 2)
    with torch.autocast("cpu", torch.bfloat16):
        output = forward_frames(model, inputs, text_BND, timesteps, frames, rotary)
    return (output.float() - velocity).square().mean()


class Average:
    """An exponential moving average of a model's parameters."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.values = {name: value.detach().clone() for name, value in model.named_parameters()}
        self.steps = 0

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        for name, value in model.named_parameters():
            self.values[name].lerp_(value, 1 - decay)

    @torch.no_grad()
    def copy_to(self, model: nn.Module) -> None:
        for name, value in model.named_parameters():
            value.copy_(self.values[name])


def train_transformer(
    model: Any,
    pool: LatentPool,
    embed_captions: Callable[[list[str], int], Tensor],
    config: TransformerConfig,
    checkpoint: Path,
    context: RunContext = QUIET,
) -> Average:
    """Trains for `config.seconds` of wall time in all, counting what earlier runs did; saves every two minutes.

    Returns the average of the weights, which is what should be saved and used.

    Raises:
        Cancelled: somebody asked to stop; the checkpoint is saved.
    """
    matrices: list[Tensor] = []
    others: list[Tensor] = []
    for name, parameter in model.named_parameters():
        inner = parameter.ndim == 2 and "transformer_blocks" in name and "norm" not in name
        (matrices if inner else others).append(parameter)
    optimizer = Muon(matrices, others, config.lr, config.adam_lr)
    average = Average(model, config.ema)
    state = load_checkpoint(checkpoint, model, optimizer)
    if state:
        average.values, average.steps = state["average"], int(state["average_steps"])
    step, spent = int(state.get("step", 0)), float(state.get("seconds", 0.0))
    rng = np.random.default_rng((config.seed, step))
    torch.manual_seed(config.seed + step)
    rotary, alphas = rotary_embedding(config), alphas_cumprod()
    last_frame = (config.num_frames - 1) // 4
    alignment = Alignment(config.latent_size, config.patch, last_frame, config.aligned_spreads)
    smooth: Tensor | None = None
    saved, began = time.monotonic(), time.monotonic() - spent

    def save(seconds: float) -> None:
        facts = {"step": step, "seconds": seconds, "average": average.values, "average_steps": average.steps}
        save_checkpoint(checkpoint, model, optimizer, facts)

    while (seconds := time.monotonic() - began) < config.seconds:
        done = seconds / config.seconds
        warm = min(1.0, (step + 1) / config.warmup_steps)
        optimizer.scale_lr(warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done))))
        count = int(rng.choice(config.frames_per_step, p=config.frames_odds))
        frames = [0, *sorted(rng.choice(np.arange(1, last_frame + 1), count - 1, replace=False).tolist())]
        batch = pool.draw(max(1, round(config.batch * 2.5 / (count + 0.5))), rng, config.text_dropout)
        text = embed_captions(batch.captions, config.text_length if count > 4 else config.short_text)
        with AttentionRecorder(model, config.aligned_blocks) as recorder:
            loss = diffusion_loss(model, batch.clips, batch.pictures, text, torch.tensor(frames), rotary, alphas)
        aligned = alignment.loss(recorder, batch.paths, frames, text.shape[1])
        strength = config.align_weight * max(0.0, 1 - done / config.align_share)
        optimizer.zero_grad()
        (loss + strength * aligned).backward()
        nn.utils.clip_grad_norm_(others, 1.0)
        optimizer.step()
        average.update(model)
        losses = torch.stack([loss.detach(), aligned.detach()])
        smooth = losses if smooth is None else smooth.lerp(losses, 0.02)
        step += 1
        if step % 50 == 0:
            diffusion, aligning = (round(value.item(), 4) for value in smooth)
            context.progress(
                "transformer", seconds, config.seconds, "seconds", step=step, loss=diffusion, alignment=aligning
            )
        stopped = context.should_stop()
        if stopped or time.monotonic() - saved > 120:
            save(seconds)
            saved = time.monotonic()
        if stopped:
            raise Cancelled(STOPPED)
    save(config.seconds)
    return average

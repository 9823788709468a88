"""Sampling a clip: from noise, a picture and a prompt to frames.

With x_t = sqrt(a_t) x_0 + sqrt(1 - a_t) e, the network predicts v = sqrt(a_t) e - sqrt(1 - a_t) x_0
(Salimans & Ho 2022, arXiv:2202.00512). Each step of DDIM (Song et al. 2021, arXiv:2010.02502), from t to s < t:

    v   = v_empty + w (v_prompt - v_empty)               classifier-free guidance (Ho & Salimans 2022, arXiv:2207.12598)
    x_0 = sqrt(a_t) x_t - sqrt(1 - a_t) v
    x_s = sqrt(a_s) x_0 + sqrt((1 - a_s) / (1 - a_t)) (x_t - sqrt(a_t) x_0)

At the first step a_t = 0 (zero terminal SNR, Lin et al. 2023, arXiv:2305.08891), so sampling starts from pure noise,
and "trailing" timesteps make sure that it does. The schedulers are diffusers' own, and so is everything that must agree
with `CogVideoXImageToVideoPipeline`: in float32 a seed gives the clip that the pipeline itself gives.

Random numbers are drawn in float32 by a generator on the CPU, and the video latents stay in float32 between steps: a
seed means the same noise on every device and in every number format.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor

from reelops.clip import MAX_STEPS, ClipFormat
from reelops.cogvideox.conditioning import encode_prompts, picture_condition, picture_tensor
from reelops.cogvideox.finite import require_finite
from reelops.cogvideox.positions import Rotary, positions_for
from reelops.cogvideox.profiles import SchedulerName
from reelops.errors import SettingsError
from reelops.progress import QUIET, RunContext


@dataclass(frozen=True)
class SamplingConfig:
    """How to sample; see `ClipOrder` and `Profile` for the fields.

    Raises:
        SettingsError: a value cannot be used.
    """

    seed: int = 0
    steps: int = 50
    guidance: float = 6.0
    dynamic_guidance: bool = False
    scheduler: SchedulerName = "ddim"
    prompt_length: int = 226
    negative_prompt: str = ""

    def __post_init__(self) -> None:
        if not 1 <= self.steps <= MAX_STEPS:
            raise SettingsError(f"{self.steps} steps cannot be taken. Choose 1 to {MAX_STEPS}.")
        if not (math.isfinite(self.guidance) and 1.0 <= self.guidance <= 100.0):
            raise SettingsError(f"Guidance {self.guidance} is out of range. Choose 1 (off) to 100.")
        if not 0 <= self.seed < 2**63:
            raise SettingsError(f"Seed {self.seed} is out of range. Choose a whole number from 0 to 2^63 - 1.")


@dataclass(frozen=True)
class Sampled:
    """Frames (T, H, W, 3) uint8 RGB, wall seconds of each stage, and notes for the user."""

    frames_THWC: np.ndarray
    seconds: dict[str, float]
    notes: tuple[str, ...] = ()


@dataclass
class _Watch:
    """Reports progress, listens for a stop, and times stages."""

    context: RunContext
    seconds: dict[str, float] = field(default_factory=dict)

    def at(self, stage: str, done: int, total: int) -> None:
        """`done` of `total` steps of a stage are finished."""
        self.context.progress(stage, done, total, "steps")
        if done < total:
            self.context.raise_if_stopped(
                f"Stopped as asked during {stage}, {done} of {total} steps done; nothing was written."
            )

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.seconds[name] = time.perf_counter() - began


@contextmanager
def _networks_let_go(pipeline: Any) -> Iterator[None]:
    """Under offload no network stays on the device after its part, however that ends; without, nothing moves.

    diffusers moves a network off only when the next one in its own order comes, so that text encoder and VAE, or VAE
    and transformer, would be there together, and the VAE still at the next clip's prompt.
    """
    try:
        yield
    finally:
        pipeline.maybe_free_model_hooks()


def build_scheduler(config: Any, name: SchedulerName) -> Any:
    """A scheduler of its own for one sampling, with the model's noise schedule."""
    from diffusers import CogVideoXDDIMScheduler, CogVideoXDPMScheduler

    return {"ddim": CogVideoXDDIMScheduler, "dpm": CogVideoXDPMScheduler}[name].from_config(config)


def guidance_at(config: SamplingConfig, timestep: int) -> float:
    """The guidance scale at a timestep.

    Dynamic guidance is 1 + w (1 - cos(pi ((n - t) / n)^5)) / 2 with n steps and t in [0, 999], as diffusers has it. As
    t runs far beyond n, the scale jumps between 1 and 1 + w for most of the way rather than rising; it is kept for the
    sake of published settings.
    """
    if not config.dynamic_guidance:
        return config.guidance
    share = (config.steps - timestep) / config.steps
    return 1.0 + config.guidance * (1.0 - math.cos(math.pi * share**5.0)) / 2.0


@torch.no_grad()
def sample_frames(
    pipeline: Any,
    picture_HWC: np.ndarray,
    prompt: str,
    clip: ClipFormat,
    config: SamplingConfig,
    context: RunContext = QUIET,
) -> Sampled:
    """Samples one clip.

    Args:
        pipeline: a `CogVideoXImageToVideoPipeline`, on its device or with its offload hooks.
        picture_HWC: RGB uint8, exactly the clip's size.
        context: gets every step of encoding, denoising and decoding, and is asked after each whether to stop; it
            changes no bit of the result.

    Raises:
        Cancelled: somebody asked to stop.
        MachineError: numbers overflowed in float16.
        WeightsError: they are not finite in another format.
    """
    if picture_HWC.shape != (clip.height, clip.width, 3):
        raise ValueError(f"picture of shape {picture_HWC.shape} for a clip of {clip.width}x{clip.height}")
    watch = _Watch(context)
    device = pipeline._execution_device
    generator = Generator("cpu").manual_seed(config.seed)
    latent_frames = (clip.num_frames - 1) // pipeline.vae_scale_factor_temporal + 1

    with watch.stage("encode"):
        watch.at("encode", 0, 2)
        guided = config.guidance > 1.0
        prompts = [config.negative_prompt, prompt] if guided else [prompt]
        with _networks_let_go(pipeline):
            texts = encode_prompts(pipeline.tokenizer, pipeline.text_encoder, prompts, config.prompt_length, device)
            require_finite(texts.vectors_BLD, "the prompt's vectors")
        watch.at("encode", 1, 2)
        with _networks_let_go(pipeline):
            picture = picture_tensor(picture_HWC).to(device)
            condition_BFCHW = picture_condition(pipeline.vae, picture, latent_frames, generator)
            require_finite(condition_BFCHW, "the picture's latents", pipeline.vae.dtype)
        watch.at("encode", 2, 2)

    with (
        watch.stage("denoise"),
        _networks_let_go(pipeline),
        positions_for(pipeline, clip.width, clip.height, latent_frames, device) as rotary,
    ):
        noise = torch.randn(condition_BFCHW.shape, generator=generator, dtype=torch.float32).to(device)
        latents_BFCHW = denoise(pipeline, noise, condition_BFCHW, texts.vectors_BLD, rotary, config, generator, watch)

    with watch.stage("decode"), _networks_let_go(pipeline):
        frames = decode_latents(pipeline.vae, latents_BFCHW, watch)
    return Sampled(frames, watch.seconds, texts.notes)


def denoise(
    pipeline: Any,
    noise_BFCHW: Tensor,
    condition_BFCHW: Tensor,
    texts_BLD: Tensor,
    rotary: Rotary | None,
    config: SamplingConfig,
    generator: Generator,
    watch: _Watch,
) -> Tensor:
    """From noise to clean latents (1, F, C, H, W), float32.

    With guidance, `texts_BLD` holds the negative prompt and the prompt, and the network sees both at once. `rotary` is
    as `positions_for` yields it.
    """
    transformer, dtype = pipeline.transformer, pipeline.transformer.dtype
    device = noise_BFCHW.device
    scheduler = build_scheduler(pipeline.scheduler.config, config.scheduler)
    scheduler.set_timesteps(config.steps, device=device)
    batch = len(texts_BLD)
    texts = texts_BLD.to(device, dtype)
    condition = condition_BFCHW.expand(batch, -1, -1, -1, -1)
    latents: Tensor = noise_BFCHW * scheduler.init_noise_sigma
    x0_before: Tensor | None = None
    timesteps = scheduler.timesteps
    watch.at("denoise", 0, len(timesteps))
    for step, timestep in enumerate(timesteps):
        seen = torch.cat([latents.expand(batch, -1, -1, -1, -1), condition], dim=2).to(dtype)
        with transformer.cache_context("cond_uncond"):
            velocity = transformer(
                hidden_states=seen,
                encoder_hidden_states=texts,
                timestep=timestep.expand(batch),
                image_rotary_emb=rotary,
                return_dict=False,
            )[0].float()
        if batch == 2:
            empty, prompted = velocity.chunk(2)
            velocity = empty + guidance_at(config, int(timestep)) * (prompted - empty)
        if config.scheduler == "dpm":
            timestep_before = timesteps[step - 1] if step else None
            latents, x0_before = scheduler.step(
                velocity, x0_before, timestep, timestep_before, latents, generator=generator, return_dict=False
            )
        else:
            latents = scheduler.step(velocity, timestep, latents, return_dict=False)[0]
        require_finite(latents, f"the clip's latents after step {step + 1} of {len(timesteps)}", dtype)
        watch.at("denoise", step + 1, len(timesteps))
    return latents


def decode_latents(vae: Any, latents_BFCHW: Tensor, watch: _Watch) -> np.ndarray:
    """Clean latents of one clip -> frames (T, H, W, 3) uint8.

    The VAE decodes two latent frames at a time (and tile by tile, with tiling), which bounds memory; a stop is heard
    between these pieces.
    """
    z_BCFHW = latents_BFCHW.permute(0, 2, 1, 3, 4) / vae.config.scaling_factor
    pieces = count_decoder_calls(vae, tuple(z_BCFHW.shape[2:]))
    done = 0
    watch.at("decode", 0, pieces)

    def finished_piece(*_: Any) -> None:
        nonlocal done
        done += 1
        watch.at("decode", done, pieces)

    hook = vae.decoder.register_forward_hook(finished_piece)
    try:
        frames_CTHW = vae.decode(z_BCFHW.to(vae.dtype)).sample[0]
    finally:
        hook.remove()
    return to_uint8(frames_CTHW)


def count_decoder_calls(vae: Any, latent_size: Sequence[int]) -> int:
    """How often decoding latents of (F, H, W) calls the decoder."""
    frames, height, width = latent_size
    chunks: int = max(frames // vae.num_latent_frames_batch_size, 1)
    if not vae.use_tiling or (width <= vae.tile_latent_min_width and height <= vae.tile_latent_min_height):
        return chunks
    down = int(vae.tile_latent_min_height * (1 - vae.tile_overlap_factor_height))
    across = int(vae.tile_latent_min_width * (1 - vae.tile_overlap_factor_width))
    return chunks * len(range(0, height, down)) * len(range(0, width, across))


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

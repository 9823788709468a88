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

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor

from reelops.clip import ClipFormat
from reelops.cogvideox.conditioning import encode_prompts, picture_condition, picture_moments, picture_tensor
from reelops.cogvideox.decoding import count_chunks, decode_latents
from reelops.cogvideox.encodings import Encodings, picture_key
from reelops.cogvideox.finite import require_finite
from reelops.cogvideox.pace import Pace
from reelops.cogvideox.positions import Rotary, positions_for
from reelops.cogvideox.profiles import SchedulerName
from reelops.cogvideox.sampling_config import SamplingConfig, guidance_at
from reelops.progress import QUIET, RunContext


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


def build_scheduler(config: Any, name: SchedulerName, trailing: bool = False) -> Any:
    """A scheduler of its own for one sampling, with the model's noise schedule."""
    from diffusers import CogVideoXDDIMScheduler, CogVideoXDPMScheduler

    spacing = {"timestep_spacing": "trailing"} if trailing else {}
    return {"ddim": CogVideoXDDIMScheduler, "dpm": CogVideoXDPMScheduler}[name].from_config(config, **spacing)


@torch.no_grad()
def sample_frames(
    pipeline: Any,
    picture_HWC: np.ndarray,
    prompt: str,
    clip: ClipFormat,
    config: SamplingConfig,
    context: RunContext = QUIET,
    pace: Pace | None = None,
    encodings: Encodings | None = None,
) -> Sampled:
    """Samples one clip.

    Args:
        pipeline: a `CogVideoXImageToVideoPipeline`, on its device or with its offload hooks.
        picture_HWC: RGB uint8, exactly the clip's size.
        context: gets every step of encoding, denoising and decoding, and is asked after each whether to stop; it
            changes no bit of the result.
        pace: is kept up.
        encodings: of this pipeline's, where they are kept.

    Raises:
        Cancelled: somebody asked to stop.
        MachineError: numbers overflowed in float16.
        WeightsError: they are not finite in another format.
    """
    if picture_HWC.shape != (clip.height, clip.width, 3):
        raise ValueError(f"picture of shape {picture_HWC.shape} for a clip of {clip.width}x{clip.height}")
    watch, pace, encodings = _Watch(context), pace or Pace(), encodings or Encodings()
    device = pipeline._execution_device
    generator = Generator("cpu").manual_seed(config.seed)
    latent_frames = (clip.num_frames - 1) // pipeline.vae_scale_factor_temporal + 1

    def decoded(done: int, pieces: int) -> None:
        pace.decoded, pace.decoded_whole = done, count_chunks(pipeline.vae, latent_frames)
        watch.at("decode", done, pieces)

    with watch.stage("encode"):
        watch.at("encode", 0, 2)
        guided = config.guidance > 1.0
        prompts = [config.negative_prompt, prompt] if guided else [prompt]
        with _networks_let_go(pipeline):
            texts = encodings.of(
                "prompts",
                (*prompts, config.prompt_length),
                lambda: encode_prompts(
                    pipeline.tokenizer, pipeline.text_encoder, prompts, config.prompt_length, device
                ),
            )
            require_finite(texts.vectors_BLD, "the prompt's vectors")
        watch.at("encode", 1, 2)
        with _networks_let_go(pipeline):
            picture = picture_tensor(picture_HWC).to(device)
            moments = encodings.of(
                "pictures",
                picture_key(picture_HWC, pipeline.vae.use_tiling),
                lambda: picture_moments(pipeline.vae, picture[0]),
            )
            condition_BFCHW = picture_condition(pipeline.vae, picture, latent_frames, generator, moments=[moments])
            require_finite(condition_BFCHW, "the picture's latents", pipeline.vae.dtype)
        watch.at("encode", 2, 2)

    with (
        watch.stage("denoise"),
        _networks_let_go(pipeline),
        positions_for(pipeline, clip.width, clip.height, latent_frames, device) as rotary,
    ):
        noise = torch.randn(condition_BFCHW.shape, generator=generator, dtype=torch.float32).to(device)
        latents_BFCHW = denoise(
            pipeline, noise, condition_BFCHW, texts.vectors_BLD, rotary, config, generator, watch, pace
        )

    with watch.stage("decode"), _networks_let_go(pipeline):
        frames = decode_latents(pipeline.vae, latents_BFCHW, decoded)
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
    pace: Pace,
) -> Tensor:
    """From noise to clean latents (1, F, C, H, W), float32.

    With guidance, `texts_BLD` holds the negative prompt and the prompt, and the network sees both at once; in a step
    without, the prompt alone. `rotary` is as `positions_for` yields it.
    """
    transformer, dtype = pipeline.transformer, pipeline.transformer.dtype
    device = noise_BFCHW.device
    scheduler = build_scheduler(pipeline.scheduler.config, config.scheduler, config.trailing)
    scheduler.set_timesteps(config.steps, device=device)
    batch = len(texts_BLD)
    texts = texts_BLD.to(device, dtype)
    latents: Tensor = noise_BFCHW * scheduler.init_noise_sigma
    x0_before: Tensor | None = None
    timesteps = scheduler.timesteps
    watch.at("denoise", 0, len(timesteps))
    for step, timestep in enumerate(timesteps):
        rows = batch if config.guided is None or config.guided(step, len(timesteps)) else 1
        pace.begin(int(timestep), rows, left_out=rows < batch)
        seen = torch.cat([part.expand(rows, -1, -1, -1, -1) for part in (latents, condition_BFCHW)], dim=2).to(dtype)
        # A cache keeps what it took from guided steps apart from the others: their tensors have another shape.
        with transformer.cache_context("cond_uncond" if rows == batch else "cond"):
            velocity = transformer(
                hidden_states=seen,
                encoder_hidden_states=texts[-rows:],
                timestep=timestep.expand(rows),
                image_rotary_emb=rotary,
                return_dict=False,
            )[0].float()
        if rows == 2:
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

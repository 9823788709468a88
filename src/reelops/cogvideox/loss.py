"""What the transformer is trained towards.

With x_t = sqrt(a_t) x_0 + sqrt(1 - a_t) e, it predicts v = sqrt(a_t) e - sqrt(1 - a_t) x_0 (Salimans & Ho 2022,
arXiv:2202.00512). CogVideoX weighs the error of x_0 by 1 / (1 - a_t), its signal-to-noise weighting; as
x_0 - x_0' = -sqrt(1 - a_t) (v - v'), that is the plain squared error of v, which is what is computed here: nothing is
divided by a number near zero. Everything is float32; noise levels come from the scheduler in float64, because in
bfloat16 the first of them round to one.

Shapes: B batch, F latent frames, C channels, H W latent height and width.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


def noise_levels(scheduler_config: Mapping[str, Any]) -> Tensor:
    """a_t for every training timestep (T,), float64, from a scheduler's config; the last is 0 (zero terminal SNR)."""
    from diffusers import CogVideoXDDIMScheduler

    levels: Tensor = CogVideoXDDIMScheduler.from_config(dict(scheduler_config)).alphas_cumprod
    return levels.double()


def add_noise(x0_BFCHW: Tensor, noise_BFCHW: Tensor, alpha_bar_B: Tensor) -> Tensor:
    """x_t = sqrt(a) x_0 + sqrt(1 - a) e."""
    signal, disorder = _shares(alpha_bar_B, x0_BFCHW)
    return signal * x0_BFCHW + disorder * noise_BFCHW


def velocity_target(x0_BFCHW: Tensor, noise_BFCHW: Tensor, alpha_bar_B: Tensor) -> Tensor:
    """v = sqrt(a) e - sqrt(1 - a) x_0."""
    signal, disorder = _shares(alpha_bar_B, x0_BFCHW)
    return signal * noise_BFCHW - disorder * x0_BFCHW


def velocity_loss(predicted_BFCHW: Tensor, target_BFCHW: Tensor) -> Tensor:
    """Mean squared error of each sample (B,), float32."""
    return (predicted_BFCHW.float() - target_BFCHW.float()).square().flatten(1).mean(1)


def _shares(alpha_bar_B: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
    """sqrt(a) and sqrt(1 - a), ready to multiply a batch with."""
    shape = (-1, *[1] * (like.ndim - 1))
    signal, disorder = torch.sqrt(alpha_bar_B), torch.sqrt(1.0 - alpha_bar_B)
    return signal.to(like.device, like.dtype).view(shape), disorder.to(like.device, like.dtype).view(shape)

"""How the VAE encodes and decodes: the layout of its weights, and tiles."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from reelops.cogvideox.recipes.finding import Finding, Found, Run
from reelops.cogvideox.recipes.recipe import Vae
from reelops.cogvideox.tiling import enable_tiling

SWITCH = "vae"


@contextmanager
def vae_set(setting: Vae, run: Run) -> Iterator[Found]:
    """The VAE in another layout, with tiles, or both; as it was afterwards.

    Raises:
        RecipeRefused: its layers come to the GPU one by one, so that no layout of them counts.
    """
    vae = run.pipeline.vae
    if setting.channels_last and run.plan is not None and run.plan.offload in ("group", "sequential"):
        raise run.named.refuse(SWITCH, "channels_last has no effect on layers that are moved one by one")
    convolutions = list(_convolutions(vae)) if setting.channels_last else []
    weights = [module.weight.data for module in convolutions]
    tiled = vae.use_tiling
    for module, weight in zip(convolutions, weights, strict=True):
        module.weight.data = weight.contiguous(memory_format=_layout(weight))
    if setting.tiling:
        enable_tiling(vae)
    changed = sum(
        module.weight.data.stride() != weight.stride() for module, weight in zip(convolutions, weights, strict=True)
    )
    try:
        yield lambda: _found(setting, run, changed, len(convolutions), tiled)
    finally:
        for module, weight in zip(convolutions, weights, strict=True):
            module.weight.data = weight
        if not tiled:
            vae.disable_tiling()


def _found(setting: Vae, run: Run, changed: int, convolutions: int, tiled: bool) -> Finding:
    acts, words = [], []
    if setting.channels_last:
        acts.append(changed > 0)
        words.append(f"{changed} of {convolutions} convolutions with channels last")
    if setting.tiling:
        whole, calls = run.pace.decoded_whole, run.pace.decoded
        acts.append(calls > whole and not tiled)
        already = "; it would have been anyway, by the memory plan" if tiled else ""
        words.append(f"decoded in {calls} pieces, {whole} without tiles{already}")
    return Finding(SWITCH, all(acts), "; ".join(words))


def _convolutions(vae: Any) -> Iterator[Any]:
    return (module for module in vae.modules() if isinstance(module, nn.Conv2d | nn.Conv3d))


def _layout(weight: Any) -> torch.memory_format:
    return torch.channels_last_3d if weight.ndim == 5 else torch.channels_last

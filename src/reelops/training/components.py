"""What a training loop works on, loaded: samples, and the frozen transformer with a fresh adapter."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from reelops.cogvideox.adapter_base import Base
from reelops.cogvideox.adapter_file import read_adapter
from reelops.cogvideox.adapter_layers import read_adapter_weights
from reelops.cogvideox.denoiser import load_transformer
from reelops.cogvideox.frame_attention import enable_sparse_frame_attention
from reelops.cogvideox.lora import add_lora, lora_parameters
from reelops.cogvideox.loss import noise_levels
from reelops.errors import SettingsError
from reelops.training.params import TrainParams
from reelops.training.plan import TrainingPlan
from reelops.training.samples import HeldOutSamples, Source, TrainingSamples


@dataclass(frozen=True)
class TrainingComponents:
    """What a loop works on.

    Attributes:
        transformer: frozen, with a fresh adapter on it, its weights as they are stored.
        noise_levels_T: a_t of every timestep, float64.
        dtype: what the transformer is to compute in.
        optimizer: one that can be had here.
    """

    params: TrainParams
    samples: TrainingSamples
    held_out: HeldOutSamples | None
    transformer: Any
    noise_levels_T: Tensor
    dtype: torch.dtype
    optimizer: str


def load_components(plan: TrainingPlan) -> TrainingComponents:
    """Everything a loop needs.

    Raises:
        WeightsError: the base's weights do not fit its config.
        SettingsError: the transformer has no layers named as `train.targets`, or `train.start_from` does not fit.
    """
    params, index = plan.params, plan.index
    levels = noise_levels(plan.architecture.configs["scheduler"])
    source = Source(plan.cache, index, plan.latent_frames, empty_zeros=params.empty_text == "zeros")
    held_out = index.of_split("validation")
    return TrainingComponents(
        params=params,
        samples=TrainingSamples(source, index.of_split("train"), params, len(levels)),
        held_out=HeldOutSamples(source, held_out, params, len(levels)) if held_out and params.held_out.every else None,
        transformer=_load_transformer(plan),
        noise_levels_T=levels,
        dtype=getattr(torch, plan.dtype),
        optimizer=plan.optimizer,
    )


def _load_transformer(plan: TrainingPlan) -> Any:
    params = plan.params
    transformer = load_transformer(plan.weights.folder)
    add_lora(transformer, params.rank, params.alpha, params.targets, params.seed)
    if params.start_from is not None:
        _start_from(transformer, params.start_from, params, plan.weights.identity)
    if params.frames_per_step is not None:
        enable_sparse_frame_attention(transformer, plan.tokens_per_frame, plan.latent_frames)
    return transformer


def _start_from(transformer: Any, path: Path, params: TrainParams, base: Base) -> None:
    adapter = read_adapter(path)
    weights = read_adapter_weights(adapter, transformer, base, params.other_base)
    own = lora_parameters(transformer)
    if not adapter.plain:
        raise SettingsError(
            f"train.start_from: {adapter.path} is no plain LoRA of one rank and alpha (DoRA, rsLoRA, a bias, or "
            "a rank or alpha for each layer); training resumes from those alone. Choose another one, or null."
        )
    if adapter.rank != params.rank or set(weights) != set(own) or adapter.alpha not in (None, params.alpha):
        raise SettingsError(
            f"train.start_from: {adapter.path} has rank {adapter.rank}, alpha {adapter.alpha} and {len(weights)} "
            f"matrices; this run has rank {params.rank}, alpha {params.alpha:g} and {len(own)}. Make them the same."
        )
    for name, parameter in own.items():
        parameter.data.copy_(weights[name])

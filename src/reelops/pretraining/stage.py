"""The stage `pretrain`: from photographs to a folder in diffusers' layout, phase by phase, resumable at any moment.

    plan (`reelops.pretraining.plan`) -> text -> vae -> latents -> transformer -> decoder -> candidate

Every phase leaves a file under the work folder and is skipped when that file is complete; a phase that was stopped
resumes from its checkpoint. The candidate replaces the published model only when its evaluation is better.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from reelops.errors import WeightsError
from reelops.foreign import reading_foreign
from reelops.pretraining.bundle import build_pipeline, save_pipeline
from reelops.pretraining.checkpoint import load_whole, reading_phase
from reelops.pretraining.facts import read_facts
from reelops.pretraining.latents import LatentPool, film_latents
from reelops.pretraining.pictures import load_pictures, load_videos, sources
from reelops.pretraining.plan import PretrainingPlan
from reelops.pretraining.text import build_text_encoder, token_ids, train_text_encoder, train_tokenizer
from reelops.pretraining.transformer import build_transformer, train_transformer
from reelops.pretraining.vae import build_vae, film_pool, normalise_latents, train_vae
from reelops.pretraining.work_folder import LOCK, take_up
from reelops.progress import QUIET, RunContext
from reelops.system.exclusive_lock import exclusive_lock
from reelops.system.files import write_atomically, write_folder_atomically
from reelops.system.out_of_memory import explaining_out_of_memory

WEIGHTS_NAME = "diffusion_pytorch_model.safetensors"
_WHAT_TO_DO = "Free it of other work and run it again, or lower `clips`, or give fewer pictures, in pretrain.yaml."
_TIMED_PHASES = ("vae", "transformer", "decoder")


@dataclass(frozen=True)
class PretrainingResult:
    """A trained candidate.

    Attributes:
        weights_bytes: of all its parts.
        facts: what the card says of the training: seconds of each phase, sources, parameters.
    """

    plan: PretrainingPlan
    weights_bytes: int
    facts: Mapping[str, Any]


def run_pretraining(plan: PretrainingPlan, context: RunContext = QUIET) -> PretrainingResult:
    """All phases that are not complete; writes the candidate.

    Args:
        context: gets the progress of the phases, with their losses.

    Raises:
        Cancelled: somebody asked to stop; the phase's checkpoint is saved.
        OutOfMemory: the phase's last checkpoint is whole.
        SettingsError: the work folder is another run's, or a phase in it is damaged.
        MachineError: another process works there, or nothing can be written there.
    """
    busy = f"Another process is pretraining in {plan.work}. Wait for it, or name another folder with --work."
    with (
        exclusive_lock(plan.work / LOCK, busy),
        explaining_out_of_memory("pretraining; the last checkpoint is whole", _WHAT_TO_DO),
    ):
        take_up(plan)
        return _run_phases(plan, context)


def _run_phases(plan: PretrainingPlan, context: RunContext) -> PretrainingResult:
    material = _Material(plan)
    tokenizer, encoder = _text(plan, context)
    vae = _vae(plan, material, context)
    pool = film_latents(
        vae,
        material.pictures,
        plan.config.vae.size,
        plan.config.clips,
        plan.work / "latents",
        plan.config.seed,
        context,
    )
    transformer = _transformer(plan, pool, tokenizer, encoder, context)
    vae = _decoder(plan, vae, material, context)
    # Counted before saving, which turns a trained position embedding into a buffer.
    parameters = {
        part: _parameters(model)
        for part, model in (("vae", vae), ("transformer", transformer), ("text_encoder", encoder))
    }
    weights_bytes = save_pipeline(build_pipeline(vae, transformer, encoder, tokenizer), plan.candidate)
    facts = {"seconds": _seconds(plan), "sources": sources(plan.pictures, plan.videos), "parameters": parameters}
    return PretrainingResult(plan, weights_bytes, facts)


class _Material:
    """Pictures and videos in memory, read when a phase that is not complete first wants them."""

    def __init__(self, plan: PretrainingPlan) -> None:
        self._plan = plan

    @cached_property
    def pictures(self) -> list[np.ndarray]:
        """Photographs and stills of videos."""
        return load_pictures([*self._plan.pictures, *self._plan.videos])

    @cached_property
    def videos(self) -> list[np.ndarray]:
        return load_videos(self._plan.videos, self._plan.config.vae.size)


def _text(plan: PretrainingPlan, context: RunContext) -> tuple[Any, Any]:
    """The trained tokenizer and text encoder."""
    from transformers import T5EncoderModel, T5Tokenizer

    if plan.start_from:
        with _reading_start(plan.start_from):
            return (
                T5Tokenizer.from_pretrained(plan.start_from / "tokenizer"),
                T5EncoderModel.from_pretrained(plan.start_from / "text_encoder", use_safetensors=True).float().eval(),
            )
    folder, config = plan.work / "text", plan.config.text
    if not folder.exists():
        tokenizer = train_tokenizer(config)
        encoder = build_text_encoder(config, len(tokenizer))
        train_text_encoder(tokenizer, encoder, config, context)
        with write_folder_atomically(folder) as partial:
            tokenizer.save_pretrained(partial)
            encoder.save_pretrained(partial)
    with reading_phase(folder):
        return T5Tokenizer.from_pretrained(folder), T5EncoderModel.from_pretrained(folder, use_safetensors=True).eval()


def _vae(plan: PretrainingPlan, material: _Material, context: RunContext) -> Any:
    """The trained VAE with its latents scaled to unit variance."""
    if plan.start_from:
        from diffusers import AutoencoderKLCogVideoX

        with _reading_start(plan.start_from):
            return AutoencoderKLCogVideoX.from_pretrained(plan.start_from / "vae", use_safetensors=True).float().eval()
    config = plan.config.vae
    vae = build_vae(config)
    finished = plan.work / "vae-normalised.pt"
    if not finished.exists():
        train_vae(vae, material.pictures, material.videos, config, plan.work / "vae.pt", "vae", context)
        rng = np.random.default_rng((plan.config.seed, 5))
        sample = replace(config, pool=60, crop=(17, *config.crop[1:]))
        deviations = normalise_latents(vae, film_pool(material.pictures, [], sample, rng))
        context.log(f"deviations of the latents, which are scaled to one: {deviations}")
        with write_atomically(finished) as partial, partial.open("wb") as file:
            torch.save(vae.state_dict(), file)
    with reading_phase(finished):
        vae.load_state_dict(load_whole(finished))
    return vae.eval()


def _transformer(plan: PretrainingPlan, pool: LatentPool, tokenizer: Any, encoder: Any, context: RunContext) -> Any:
    config = plan.transformer
    model = build_transformer(config)
    if plan.start_from:
        with _reading_start(plan.start_from):
            model.load_state_dict(load_file(plan.start_from / "transformer" / WEIGHTS_NAME))

    @torch.no_grad()
    def embed(captions: list[str], length: int) -> Tensor:
        hidden: Tensor = encoder(token_ids(tokenizer, captions, length)).last_hidden_state
        return hidden

    average = train_transformer(model, pool, embed, config, plan.work / "transformer.pt", context)
    average.copy_to(model)
    return model.eval()


def _decoder(plan: PretrainingPlan, vae: Any, material: _Material, context: RunContext) -> Any:
    """Trains the decoder further under the encoder that the transformer knows, on longer crops, to move evenly."""
    config = plan.config.vae
    longer = replace(
        config,
        crop=(17, *config.crop[1:]),
        batch=max(1, config.batch // 2),
        lr=config.lr * 2 / 3,
        adam_lr=config.adam_lr * 2 / 3,
        change_weight=5.0,
        seconds=plan.config.decoder_seconds,
        seed=config.seed + 1,
    )
    checkpoint = plan.work / "decoder.pt"
    train_vae(
        vae.train(), material.pictures, material.videos, longer, checkpoint, "decoder", context, frozen_encoder=True
    )
    return vae.eval()


def _seconds(plan: PretrainingPlan) -> dict[str, int]:
    """Of each phase, those of the model that it started from included."""
    earlier = read_facts(plan.start_from) if plan.start_from else {}
    seconds = {phase: int(value) for phase, value in earlier.get("seconds", {}).items()}
    for phase in _TIMED_PHASES:
        checkpoint = plan.work / f"{phase}.pt"
        if checkpoint.exists():
            with reading_phase(checkpoint):
                saved = load_whole(checkpoint)["state"]
            seconds[phase] = seconds.get(phase, 0) + round(float(saved["seconds"]))
    return seconds


def _reading_start(folder: Path) -> AbstractContextManager[None]:
    """Within it the model that training starts from is read."""
    return reading_foreign(folder, WeightsError, "is no whole model to start from", "take another, or bring it again")


def _parameters(model: Any) -> int:
    return sum(value.numel() for value in model.parameters())

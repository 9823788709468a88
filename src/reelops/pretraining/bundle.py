"""The parts put together: a folder in diffusers' layout, written whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from reelops.system.files import write_folder_atomically

PARTS = ("model_index.json", "vae", "transformer", "text_encoder", "tokenizer", "scheduler")


def build_scheduler() -> Any:
    """CogVideoX-5B's noise schedule: scaled-linear, zero terminal SNR, v-prediction, trailing timesteps."""
    from diffusers import CogVideoXDDIMScheduler

    return CogVideoXDDIMScheduler(
        num_train_timesteps=1000,
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=True,
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        snr_shift_scale=1.0,
        timestep_spacing="trailing",
    )


def build_pipeline(vae: Any, transformer: Any, text_encoder: Any, tokenizer: Any) -> Any:
    from diffusers import CogVideoXImageToVideoPipeline

    return CogVideoXImageToVideoPipeline(
        tokenizer=tokenizer,
        text_encoder=text_encoder,
        vae=vae,
        transformer=transformer,
        scheduler=build_scheduler(),
    )


def save_pipeline(pipeline: Any, folder: Path, dtype: torch.dtype = torch.bfloat16) -> int:
    """Writes the pipeline's parts into `folder` and returns the bytes of all weights.

    VAE and transformer are written in `dtype`, the text encoder in float32: diffusers loads its own models in float32
    unless told otherwise, transformers loads its models as they are stored, and the parts must agree.

    Raises:
        MachineError: the disk is full, or the place cannot be written to; what stood there stays.
    """
    _positions_as_buffer(pipeline.transformer)
    pipeline.vae.to(dtype)
    pipeline.transformer.to(dtype)
    pipeline.text_encoder.float()
    with replacing_parts(folder) as fresh:
        pipeline.save_pretrained(fresh, safe_serialization=True)
    return sum(path.stat().st_size for path in folder.rglob("*.safetensors"))


@contextmanager
def replacing_parts(folder: Path) -> Iterator[Path]:
    """Gives a folder to write all parts to; it becomes `folder` in one step when the block ends well.

    So whoever loads the model, and whatever kills the writer, finds parts of one training only. Other files of
    `folder` (card.md, dvc.yaml) are in the new one too, unless the block writes them anew.

    Raises:
        MachineError: the disk is full, or the place cannot be written to; `folder` stays as it was.
    """
    folder = folder.resolve()  # a link stays one
    with write_folder_atomically(folder) as fresh:
        for kept in folder.iterdir() if folder.is_dir() else ():
            if kept.is_dir() and kept.name not in PARTS:
                shutil.copytree(kept, fresh / kept.name, symlinks=True)
            elif kept.name not in PARTS:
                shutil.copy2(kept, fresh / kept.name, follow_symlinks=False)
        yield fresh


def _positions_as_buffer(transformer: Any) -> None:
    """Turns the trained position embedding back into the buffer that diffusers keeps it in."""
    embed = transformer.patch_embed
    if "pos_embedding" in embed._parameters:
        positions = embed.pos_embedding.detach()
        del embed._parameters["pos_embedding"]
        embed.register_buffer("pos_embedding", positions, persistent=True)

"""Loading a base model: from a folder or the hub, checked before it is opened, held as the machine allows."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reelops.cogvideox.architecture import Architecture, named_architecture, read_architecture
from reelops.cogvideox.clip_format import choose_format
from reelops.cogvideox.encodings import Encodings
from reelops.cogvideox.imports import compiler_unused, importing_models, nothing_drawn_without_memory
from reelops.cogvideox.library_logs import without_warnings
from reelops.cogvideox.memory import MemoryPlan, plan_memory
from reelops.cogvideox.profiles import Profile
from reelops.cogvideox.recipes.recipe import WeightFormat
from reelops.cogvideox.recipes.weights import HeldWeights, hold_weights, with_half_the_weights
from reelops.cogvideox.tiling import enable_tiling
from reelops.cogvideox.weights import locate_weights
from reelops.errors import WeightsError
from reelops.foreign import reading_foreign
from reelops.progress import QUIET, RunContext
from reelops.system.device_lock import on_device
from reelops.system.hardware import Machine, inspect_machine
from reelops.system.out_of_memory import release_unused_memory

RANDOM_NOTE = "random weights: the frames are noise and only time and memory mean anything"


@dataclass(frozen=True)
class LoadedModel:
    """A pipeline ready to sample, and what it is.

    Attributes:
        pipeline: diffusers' CogVideoXImageToVideoPipeline.
        base, base_revision: name and exact revision of the weights, for the lineage id.
        load_seconds: what loading took when it was loaded.
        asked: the dtype, the offload and the format of weights insisted on when it was loaded.
        notes: for the user.
        held: how the transformer's weights are held, where in fewer bits than `plan` says.
        encodings: of prompts and pictures, where they are kept from clip to clip.
    """

    pipeline: Any
    profile: Profile
    architecture: Architecture
    plan: MemoryPlan
    base: str
    base_revision: str
    load_seconds: float
    asked: tuple[str | None, str | None, WeightFormat | None] = (None, None, None)
    notes: tuple[str, ...] = ()
    held: HeldWeights | None = None
    encodings: Encodings = field(default_factory=Encodings)


_LISTEN_SECONDS = 0.2


class WarmModel:
    """The model that was loaded last, kept for the next clip; a machine seldom has room for two.

    One at a time loads, uses or lets go of it: a pipeline serves one sampling at a time.
    """

    def __init__(self) -> None:
        self._model: LoadedModel | None = None
        self._in_use = threading.RLock()

    def load(
        self,
        profile: Profile,
        machine: Machine | None,
        cache: Path,
        dtype: str | None = None,
        offload: str | None = None,
        below: MemoryPlan | None = None,
        weights_as: WeightFormat | None = None,
    ) -> LoadedModel:
        """The profile's model: the one that is warm, where it is that, or it comes in its place.

        Everything that can be known is checked before the first weight is read: the architecture, whether the profile
        asks for a clip the model can make, and whether it fits the memory.

        Args:
            machine: what to plan for; None looks at this machine once the last model has been let go.
            cache: where digests of weight files are remembered.
            dtype, offload: instead of what the plan would choose.
            below: a plan with which memory ran out; the model is loaded anew, in a way that needs less, and that way
                stays for the orders after it.
            weights_as: the format that the transformer's weights are rounded to.

        Raises:
            WeightsError: the weights cannot be had or are not what they should be.
            MachineError: the model does not fit this machine.
            ClipFormatError: the profile's clip format is not one the model can make.
            SettingsError: dtype or offload is no such thing.
        """
        _silence_loading_bars()
        with self._in_use:
            weights = locate_weights(profile, cache) if profile.weights == "trained" else None
            architecture = (
                read_architecture(weights.folder) if weights else named_architecture(profile.architecture or "")
            )
            _check(profile, architecture)
            revision = weights.revision if weights else f"random:{profile.architecture}"
            asked = (dtype, offload, weights_as)
            if below is None and self._model is not None and _same(self._model, profile, revision, asked):
                return self._model
            self.unload()
            planned = architecture if weights_as is None else with_half_the_weights(architecture)
            plan = plan_memory(planned, profile.clip_format, machine or inspect_machine(), dtype, offload, below)
            on_device(plan.device)
            began = time.perf_counter()
            pipeline = _open(weights.folder, plan) if weights else _random(architecture, plan)
            held = None if weights_as is None else hold_weights(pipeline.transformer, weights_as)
            _place(pipeline, plan)
            self._model = LoadedModel(
                pipeline=pipeline,
                profile=profile,
                architecture=architecture,
                plan=plan,
                base=weights.base if weights else f"{profile.architecture} (random weights)",
                base_revision=revision,
                load_seconds=time.perf_counter() - began,
                asked=asked,
                notes=weights.notes if weights else (RANDOM_NOTE,),
                held=held,
            )
            return self._model

    @property
    def loaded(self) -> LoadedModel | None:
        """The model that is warm; None where none is."""
        return self._model

    @contextmanager
    def exclusive(self, context: RunContext = QUIET) -> Iterator[None]:
        """Waits until nobody else in this process loads or uses a model, and keeps it so.

        Raises:
            Cancelled: somebody asked to stop while it waited.
        """
        while not self._in_use.acquire(timeout=_LISTEN_SECONDS):
            context.raise_if_stopped("Stopped as asked while waiting for another generation; nothing was written.")
        try:
            yield
        finally:
            self._in_use.release()

    def unload(self) -> None:
        """Lets go of the model and of the memory it held."""
        with self._in_use:
            if self._model is not None:
                self._model.pipeline.remove_all_hooks()
                self._model = None
        # Also where none was warm: of a model that failed the allocator still holds memory, which then is not free.
        release_unused_memory()


WARM_MODEL = WarmModel()
"""This process's: generators share it unless they are given one of their own."""


def _same(
    warm: LoadedModel, profile: Profile, revision: str, asked: tuple[str | None, str | None, WeightFormat | None]
) -> bool:
    return warm.profile == profile and warm.base_revision == revision and warm.asked == asked


def _check(profile: Profile, architecture: Architecture) -> None:
    architecture.check()
    if profile.prompt_length != architecture.prompt_length:
        raise WeightsError(
            f"Profile {profile.name} reads {profile.prompt_length} tokens and {architecture.name} was trained with "
            f"{architecture.prompt_length}. Set prompt_length to {architecture.prompt_length}."
        )
    choose_format(profile, architecture)


def _open(folder: Path, plan: MemoryPlan) -> Any:
    import torch
    from diffusers import CogVideoXImageToVideoPipeline

    what = "holds weights that do not fit their own configs"
    reading = reading_foreign(folder, WeightsError, what, "copy them again")
    with reading, compiler_unused(), nothing_drawn_without_memory(), without_warnings("diffusers", "transformers"):
        return CogVideoXImageToVideoPipeline.from_pretrained(
            str(folder), dtype=getattr(torch, plan.dtype), use_safetensors=True, local_files_only=True
        )


def _random(architecture: Architecture, plan: MemoryPlan) -> Any:
    import torch

    from reelops.cogvideox.random_weights import build_random_pipeline

    where = plan.device if plan.offload == "none" else "cpu"
    with without_warnings("diffusers"):
        return build_random_pipeline(architecture, getattr(torch, plan.dtype), where)


def _place(pipeline: Any, plan: MemoryPlan) -> None:
    pipeline.set_progress_bar_config(disable=True)
    if plan.vae_tiling:
        enable_tiling(pipeline.vae)
    if plan.vae_slicing:
        pipeline.vae.enable_slicing()
    if plan.offload == "model":
        pipeline.enable_model_cpu_offload()
    elif plan.offload == "group":
        offload_in_groups(pipeline, plan.device)
    elif plan.offload == "sequential":
        pipeline.enable_sequential_cpu_offload()
    else:
        pipeline.to(plan.device)


def offload_in_groups(pipeline: Any, device: str) -> None:
    """Blocks of each network come to a device while the one before computes, and go again."""
    import torch

    where = torch.device(device)
    pipeline.enable_group_offload(
        onload_device=where, offload_type="block_level", num_blocks_per_group=1, use_stream=where.type == "cuda"
    )


def _silence_loading_bars() -> None:
    """The libraries draw a bar per component on standard error, beside ours."""
    with importing_models():
        from diffusers import CogVideoXImageToVideoPipeline  # noqa: F401 - with all that it imports
        from diffusers.utils import logging as diffusers_logging
        from transformers.utils import logging as transformers_logging

    diffusers_logging.disable_progress_bar()
    transformers_logging.disable_progress_bar()

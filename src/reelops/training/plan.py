"""The plan of a training run: what can be known before the first step, and whether anything forbids it."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass

from reelops.cogvideox.adapter_base import require_base
from reelops.cogvideox.adapter_file import Adapter, read_adapter
from reelops.cogvideox.architecture import Architecture, read_architecture
from reelops.cogvideox.clip_format import choose_format
from reelops.cogvideox.memory import GB, USABLE_SHARE, choose_dtype
from reelops.cogvideox.profiles import Profile, find_profile
from reelops.cogvideox.training_memory import AdapterSize, TrainingFootprint, count_adapter, training_footprint
from reelops.cogvideox.weights import Weights, locate_weights, parts_digest
from reelops.errors import DatasetError, MachineError, SettingsError, WeightsError
from reelops.params import Config
from reelops.system.digest import sha256_of
from reelops.system.hardware import Machine, inspect_machine
from reelops.system.making import making_of
from reelops.training.cache import HOW_TO_REMAKE, Index, LatentCache
from reelops.training.checkpoint import CheckpointFolder, check_room
from reelops.training.launch import Launch
from reelops.training.optimizers import available_optimizer
from reelops.training.params import LatentParams, TrainParams
from reelops.training.paths import TrainingPaths

# What decides the steps; the table's clips and their latents are in the identity by value.
_STEPS, _IN_IDENTITY_BY_VALUE = "reelops.training.loop", ("reelops.dataset",)


@dataclass(frozen=True)
class TrainingPlan:
    """A run that can begin.

    Attributes:
        dtype: what the base computes in.
        optimizer: the one asked for, or what takes its place.
        size: numbers that are trained.
        footprint: expected memory of a device.
        identity: digest of parameters, data, base, code and libraries: runs of the same identity are one run.
        launch: the processes that share it.
        notes: for the user.
    """

    params: TrainParams
    paths: TrainingPaths
    weights: Weights
    architecture: Architecture
    index: Index
    machine: Machine
    dtype: str
    optimizer: str
    size: AdapterSize
    footprint: TrainingFootprint
    identity: str
    launch: Launch
    notes: tuple[str, ...]

    @property
    def cache(self) -> LatentCache:
        return LatentCache(self.paths.latents)

    @property
    def checkpoints(self) -> CheckpointFolder:
        """This run's own: a run with other parameters must not take up its weights."""
        return CheckpointFolder(self.paths.checkpoints / self.identity, self.params.keep_checkpoints)

    @property
    def checkpoint_bytes(self) -> float:
        """Adapter, its average, the best one, and two averages of the optimizer: all float32."""
        return 4.0 * 5 * self.size.trained

    @property
    def latent_frames(self) -> int:
        """Of a whole clip."""
        return self.architecture.latent_frames(self.index.encoding.format.num_frames)

    @property
    def tokens_per_frame(self) -> int:
        """Of a latent frame, in the transformer."""
        clip, cell = self.index.encoding.format, self.architecture.spatial_ratio * self.architecture.patch_size
        return (clip.width // cell) * (clip.height // cell)


def plan_training(
    params: TrainParams,
    latents: LatentParams,
    config: Config,
    machine: Machine | None = None,
    launch: Launch | None = None,
) -> TrainingPlan:
    """Everything that would stop the run later, checked now; nothing heavy is loaded and nothing written.

    Args:
        machine: None looks at this one.
        launch: None takes what a launcher left in the environment.

    Raises:
        WeightsError: the base cannot be had, or is none that can be trained so.
        DatasetError: there are no latents, or they are of another base, clip format or table.
        MachineError: the memory is too small.
        SettingsError: parameters that do not go together, or a way to launch that is not supported.
    """
    machine, launch = machine or inspect_machine(), launch or Launch.of(os.environ)
    paths = TrainingPaths.of(config, params.name)
    profile = find_profile(params.profile, config)
    if profile.weights == "random":
        raise WeightsError(f"Profile {profile.name} has random weights; there is nothing in them to adapt.")
    weights = locate_weights(profile, config.cache)
    architecture = read_architecture(weights.folder).check()
    index = _read_latents(LatentCache(paths.latents), profile, weights, architecture, latents, config)
    params.accumulated(launch.processes)
    _check_rank(params, architecture)
    start_from = read_adapter(params.start_from) if params.start_from else None
    start_notes = _notes_on_start(start_from, weights, params)
    dtype, why = _dtype(params, machine)
    optimizer, missing = available_optimizer(params.optimizer, bool(machine.gpus))
    size = count_adapter(architecture, params.rank, params.targets)
    footprint = training_footprint(
        architecture,
        index.encoding.format,
        size,
        dtype,
        optimizer,
        params.micro_batch,
        params.gradient_checkpointing,
        params.frames_per_step,
        bool(machine.gpus),
        launch.shares,
    )
    _check_memory(footprint, params, machine, launch)
    computes = f"the base computes in {dtype}: {why}"
    return TrainingPlan(
        params=params,
        paths=paths,
        weights=weights,
        architecture=architecture,
        index=index,
        machine=machine,
        dtype=dtype,
        optimizer=optimizer,
        size=size,
        footprint=footprint,
        identity=_identity(params, index, weights, dtype, optimizer, start_from),
        launch=launch,
        notes=(*weights.notes, *launch.notes, *start_notes, computes, *_notes_on(params, index, launch, missing)),
    )


def check_paths(plan: TrainingPlan) -> None:
    """Whether there is room for checkpoints, and what is written can be; makes the folders.

    Raises:
        MachineError
    """
    checkpoints = plan.checkpoints.folder
    for folder in (checkpoints, plan.paths.adapter.parent):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            writable = os.access(folder, os.W_OK)
        except OSError as error:
            raise MachineError(f"cannot make the folder {folder}: {error.strerror}. Choose another place.") from error
        if not writable:
            raise MachineError(f"cannot write to {folder}. Give yourself the right to, or choose another place.")
    check_room(checkpoints, plan.checkpoint_bytes * (plan.params.keep_checkpoints + 1))


def _notes_on(params: TrainParams, index: Index, launch: Launch, missing: str | None) -> list[str]:
    """What is unusual about a run.

    Args:
        missing: why the optimizer is not the one asked for.
    """
    notes = []
    if launch.shared:
        notes.append(f"each of {launch.processes} processes holds its share of the base (FSDP2)")
    if missing:
        notes.append(missing)
    if params.frames_per_step is not None:
        notes.append(f"a step sees {params.frames_per_step} latent frames of a clip, which is not CogVideoX's recipe")
    if params.held_out.every and not index.of_split("validation"):
        notes.append("no clip is of the split validation, so there is no held-out loss; the last step is published")
    return notes


def _notes_on_start(adapter: Adapter | None, weights: Weights, params: TrainParams) -> tuple[str, ...]:
    """That the adapter to start from is of this base."""
    return require_base(adapter.path, adapter.base, weights.identity, params.other_base) if adapter else ()


def _check_rank(params: TrainParams, architecture: Architecture) -> None:
    width = architecture.width_of_transformer
    if params.rank > width:
        raise SettingsError(
            f"train.rank {params.rank} is more than the {width} values of a layer. Choose at most a quarter of that."
        )


def _read_latents(
    cache: LatentCache,
    profile: Profile,
    weights: Weights,
    architecture: Architecture,
    latents: LatentParams,
    config: Config,
) -> Index:
    """The cache's index, once it is known to be of this base, clip format and table."""
    index = cache.read_index()
    encoding = index.encoding
    revision = parts_digest(weights.folder, ("vae",), config.cache)
    text = parts_digest(weights.folder, ("tokenizer", "text_encoder"), config.cache)
    if (encoding.vae_revision, encoding.text_revision) != (revision, text):
        raise DatasetError(
            f"The latents at {cache.folder} were made with {encoding.base}, whose encoders are not those of "
            f"{weights.base} now. Set latents.profile to {profile.name}. {HOW_TO_REMAKE}"
        )
    shape = choose_format(profile, architecture)
    if encoding.format != shape:
        made = encoding.format
        raise DatasetError(
            f"The latents at {cache.folder} are of {made.num_frames} frames of {made.width}x{made.height} and profile "
            f"{profile.name} makes {shape.num_frames} of {shape.width}x{shape.height}. {HOW_TO_REMAKE}"
        )
    table = config.root / latents.table
    if table.is_file() and sha256_of(table) != index.table_sha256:
        raise DatasetError(f"{table} has changed since the latents were made. {HOW_TO_REMAKE}")
    if not index.of_split("train"):
        raise DatasetError(f"The latents at {cache.folder} have no clip of the split train; add clips.")
    missing = cache.missing(index.clips)
    if missing:
        raise DatasetError(
            f"{len(missing)} clips have no latents at {cache.folder}, the first is {missing[0]}. {HOW_TO_REMAKE}"
        )
    return index


def _dtype(params: TrainParams, machine: Machine) -> tuple[str, str]:
    if params.dtype is not None:
        return params.dtype, "as asked"
    dtype, why = choose_dtype(machine)
    if dtype == "float16":
        return "float32", "the GPU has no bfloat16, and float16 overflows in training"
    return dtype, why


def _check_memory(footprint: TrainingFootprint, params: TrainParams, machine: Machine, launch: Launch) -> None:
    beside = footprint.main_memory * launch.processes
    if beside > machine.ram_free_bytes:
        raise MachineError(
            f"{launch.processes} processes keep about {beside / GB:.1f} GB in main memory beside their GPUs and "
            f"{machine.ram_free_bytes / GB:.1f} GB are free. Free memory, or start fewer processes."
        )
    free = machine.free_bytes if machine.gpus else machine.ram_free_bytes / launch.processes
    if footprint.peak <= free * USABLE_SHARE:
        return
    raise MachineError(
        f"Training needs about {footprint.peak / GB:.1f} GB per device ({footprint.base / GB:.1f} base, "
        f"{footprint.adapter / GB:.1f} adapter and optimizer, {footprint.activations / GB:.1f} activations) and "
        f"{free / GB:.1f} GB are free. {how_to_need_less(params, launch)}"
    )


def how_to_need_less(params: TrainParams, launch: Launch) -> str:
    """What lowers the memory of a step, of what is not done already; a sentence."""
    ways = []
    if not params.gradient_checkpointing:
        ways.append("set train.gradient_checkpointing")
    if params.micro_batch > 1:
        ways.append("lower train.micro_batch")
    if params.optimizer == "adamw":
        ways.append("set train.optimizer to offload")
    ways.append("lower train.rank")
    if launch.processes > 1 and not launch.shared:
        ways.append("share the base among the devices (accelerate launch --use_fsdp --fsdp_version 2)")
    return f"To need less, {', or '.join(ways)}; `reelops train --plan` shows what fits."


def _identity(
    params: TrainParams, index: Index, weights: Weights, dtype: str, optimizer: str, start_from: Adapter | None
) -> str:
    start = start_from.sha256 if start_from else None
    content = {
        "params": params.identity() | {"dtype": dtype, "optimizer": optimizer, "start_from": start},
        "data": index.digest(),
        "base": weights.revision,
        "making": making_of(_STEPS, apart_from=_IN_IDENTITY_BY_VALUE).digest,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

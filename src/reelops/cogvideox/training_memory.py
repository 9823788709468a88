"""How much memory training an adapter takes, from arithmetic alone, and how to train in so much.

Calibrated on published peaks for the 5B at 49 frames of 720x480 on an A100, latents precomputed, gradients
checkpointed, AdamW, adapter in bfloat16 (github.com/huggingface/finetrainers, README of its CogVideoX trainer): one
clip a pass takes 19.7, 20.8 and 22.1 GB at rank 16, 64 and 256; four take 47.8 GB at rank 64; without checkpointing
80 GB are too little. This arithmetic gives 20.2, 20.6, 22.2, 47.5 and 195 GB for the same, without the runtime's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reelops.clip import ClipFormat
from reelops.cogvideox.architecture import Architecture
from reelops.cogvideox.memory import BYTES, CUDA_CONTEXT, GB, PROCESS, USABLE_SHARE

# Copies of a block's hidden states alive at once while it is computed again and differentiated; calibrated on the peaks
# that the module's docstring names.
BLOCK_COPIES = 40
# Weight, gradient and what the optimizer keeps, in bytes for each trained number; all float32 but 8-bit averages.
WEIGHT_AND_GRADIENT = 8.0
STATE_BYTES = {"adamw": 8.0, "adamw8bit": 2.1, "offload": 0.0}
_STATE_BYTES_ASIDE = {"adamw": 0.0, "adamw8bit": 0.0, "offload": 8.0}
_STATE_BYTES_HERE = {name: STATE_BYTES[name] + _STATE_BYTES_ASIDE[name] for name in STATE_BYTES}
# Of a base in shares: the block at work, and the next one on its way.
WHOLE_BLOCKS = 2
DEVICES_GB = (24, 40, 80, 141)
SHARES = (2, 4, 8)
LARGEST_MICRO_BATCH = 16


@dataclass(frozen=True)
class TrainingFootprint:
    """Bytes on the device: the frozen base, the adapter with all it drags along, activations, the runtime.

    Attributes:
        main_memory: what a process holds beside its GPU; 0 without one. The base is not among it: it is read from its
            files a block at a time.
    """

    base: float
    adapter: float
    activations: float
    runtime: float
    main_memory: float = 0.0

    @property
    def peak(self) -> float:
        return self.base + self.adapter + self.activations + self.runtime


@dataclass(frozen=True)
class TrainingWay:
    """One way to train within a device's memory."""

    micro_batch: int
    gradient_checkpointing: bool
    optimizer: str
    footprint: TrainingFootprint


@dataclass(frozen=True)
class AdapterSize:
    """Numbers that are trained, and those of the frozen transformer."""

    trained: int
    frozen: int

    @property
    def share(self) -> float:
        return self.trained / self.frozen


def count_adapter(architecture: Architecture, rank: int, targets: Sequence[str]) -> AdapterSize:
    """Counted on the network itself, built without memory for its weights.

    Raises:
        SettingsError: it has no layers of those names.
    """
    from reelops.cogvideox.denoiser import meta_transformer
    from reelops.cogvideox.lora import add_lora, lora_parameters

    transformer = meta_transformer(architecture)
    frozen = sum(parameter.numel() for parameter in transformer.parameters())
    add_lora(transformer, rank, rank, targets, seed=0)
    trained = sum(parameter.numel() for parameter in lora_parameters(transformer).values())
    return AdapterSize(trained, frozen)


def training_footprint(
    architecture: Architecture,
    clip: ClipFormat,
    size: AdapterSize,
    dtype: str,
    optimizer: str = "adamw",
    micro_batch: int = 1,
    gradient_checkpointing: bool = True,
    latent_frames: int | None = None,
    on_gpu: bool = True,
    shares: int = 1,
) -> TrainingFootprint:
    """Memory of a training step on one device.

    Args:
        latent_frames: how many a step sees; None is all of the clip's.
        shares: among how many devices the base is divided.
    """
    cell = architecture.spatial_ratio * architecture.patch_size
    frames = architecture.latent_frames(clip.num_frames) if latent_frames is None else latent_frames
    tokens = architecture.prompt_length + frames * (clip.width // cell) * (clip.height // cell)
    stream = tokens * architecture.width_of_transformer * BYTES[dtype]
    layers = int(architecture.get("transformer", "num_layers"))
    copies = layers + BLOCK_COPIES if gradient_checkpointing else layers * BLOCK_COPIES
    gathered = 0.0 if shares == 1 else min(1.0, WHOLE_BLOCKS / layers) * (1.0 - 1.0 / shares)
    return TrainingFootprint(
        base=size.frozen * BYTES[dtype] * (1.0 / shares + gathered),
        # Without a GPU main memory is the device, and what is kept there is kept on it.
        adapter=size.trained * (WEIGHT_AND_GRADIENT + (STATE_BYTES if on_gpu else _STATE_BYTES_HERE)[optimizer]),
        activations=micro_batch * copies * stream,
        runtime=CUDA_CONTEXT if on_gpu else PROCESS,
        main_memory=PROCESS + size.trained * _STATE_BYTES_ASIDE[optimizer] if on_gpu else 0.0,
    )


def best_way(
    architecture: Architecture, clip: ClipFormat, size: AdapterSize, dtype: str, memory_bytes: float, shares: int = 1
) -> TrainingWay | None:
    """The fastest way that fits a GPU, with as many clips per pass as go in; None where none does.

    Args:
        shares: among how many GPUs the base is divided.
    """
    room = memory_bytes * USABLE_SHARE
    for checkpointing, optimizer in _ways():
        fitting = [
            TrainingWay(micro_batch, checkpointing, optimizer, need)
            for micro_batch in range(1, LARGEST_MICRO_BATCH + 1)
            if (
                need := training_footprint(
                    architecture, clip, size, dtype, optimizer, micro_batch, checkpointing, shares=shares
                )
            ).peak
            <= room
        ]
        if fitting:
            return fitting[-1]
    return None


def plan_devices(
    architecture: Architecture, clip: ClipFormat, size: AdapterSize, dtype: str = "bfloat16", shares: int = 1
) -> dict[int, TrainingWay | None]:
    """The best way for each of the usual sizes of GPU, in GB; with `shares` for so many of them together (FSDP2)."""
    return {gb: best_way(architecture, clip, size, dtype, gb * GB, shares) for gb in DEVICES_GB}


def _ways() -> Iterator[tuple[bool, str]]:
    """Fastest first: gradients checkpointed or not, optimizer."""
    yield from ((False, "adamw"), (True, "adamw"), (True, "adamw8bit"), (True, "offload"))

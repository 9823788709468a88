"""What training the 5B takes on this machine's GPU, measured without its weights and without data.

The architecture is filled with small random numbers and trained by the loop itself on random latents: time and memory
are those of a real run, the loss means nothing.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from reelops.benchmark.case import Bench, Part
from reelops.benchmark.report import Figures
from reelops.benchmark.table import Table
from reelops.clip import ClipFormat
from reelops.cogvideox.architecture import Architecture, named_architecture
from reelops.cogvideox.memory import GB
from reelops.cogvideox.training_memory import TrainingFootprint, best_way, count_adapter, training_footprint
from reelops.errors import MachineError
from reelops.progress import QUIET, Event, Progress, RunContext
from reelops.system.hardware import inspect_machine
from reelops.training.cache import EncodedClip, Encoding, Index, LatentCache
from reelops.training.params import HeldOutParams, TrainParams

if TYPE_CHECKING:
    from torch import Tensor

ARCHITECTURE = "cogvideox-5b-i2v"
CLIP = ClipFormat(49, Fraction(8), 720, 480)
RANK = 64
STEPS = 20
_WARM_UP = 3


class RandomLatents(LatentCache):
    """In a cache's place: a clip of random latents and a caption of random vectors."""

    def __init__(self, architecture: Architecture, clip: ClipFormat) -> None:
        import torch

        super().__init__(Path())
        ratio, channels = architecture.spatial_ratio, int(architecture.get("transformer", "out_channels"))
        frame = (channels, clip.height // ratio, clip.width // ratio)
        video = (architecture.latent_frames(clip.num_frames), *frame)
        text = (architecture.prompt_length, int(architecture.get("transformer", "text_embed_dim")))
        draw = torch.Generator().manual_seed(0)
        self._files = {
            "clips": {
                "video_mean": torch.randn(video, generator=draw),
                "video_logvar": torch.full(video, -6.0),
                "picture_mean": torch.randn((1, *frame), generator=draw),
                "picture_logvar": torch.full((1, *frame), -6.0),
            },
            "texts": {"vectors": torch.randn(text, generator=draw)},
        }
        self.index = Index(
            encoding=Encoding(
                *("random", "", "", clip, 0.7, 0.7, architecture.prompt_length, 0, 0),
                dtype="float32",
                text_device="cpu",
                vae_device="cpu",
                vae_tiling=False,
                making="",
            ),
            table_sha256="",
            empty_text="text",
            clips=(EncodedClip("random", "train", "clip", 0, ("",), ("text",)),),
        )

    def read(self, kind: str, key: str) -> dict[str, Tensor]:  # noqa: ARG002 - there is one of each kind
        return self._files[kind]


def measure_5b(_bench: Bench, context: RunContext) -> Figures:
    """Trains the 5B's architecture as the plan for this GPU says.

    Raises:
        MachineError: there is no GPU, or none that it fits.
    """
    machine = inspect_machine()
    if not machine.gpus:
        raise MachineError(
            "There is no CUDA GPU here to measure on. `reelops train --plan --profile cogvideox-5b-i2v` says what the "
            "5B needs."
        )
    gpu, architecture = machine.gpus[0], named_architecture(ARCHITECTURE)
    params = TrainParams(
        name="random",
        profile=ARCHITECTURE,
        rank=RANK,
        alpha=RANK,
        steps=STEPS,
        held_out=HeldOutParams(every=0),
        checkpoint_every=STEPS,
    )
    size = count_adapter(architecture, RANK, params.targets)
    way = best_way(architecture, CLIP, size, "bfloat16", machine.free_bytes)
    if way is None:
        raise MachineError(f"{gpu.name} has {machine.free_bytes / GB:.1f} GB free, which is too little for the 5B.")
    changes = {"optimizer": way.optimizer, "gradient_checkpointing": way.gradient_checkpointing}
    changes |= {"batch": way.micro_batch, "micro_batch": way.micro_batch}
    context.progress("random", 0, STEPS, "steps", f"{STEPS} steps of {way.micro_batch} clips on {gpu.name}")
    figures = measure_random(architecture, CLIP, params.model_copy(update=changes), machine.device, context)
    return {"gpu": gpu.name, **figures}


def measure_random(
    architecture: Architecture,
    clip: ClipFormat,
    params: TrainParams,
    device: str,
    context: RunContext = QUIET,
    dtype: str = "bfloat16",
) -> dict[str, Any]:
    """Seconds per step and peak memory of the loop on the architecture with random weights, beside what was planned."""
    import torch

    from reelops.cogvideox.lora import add_lora
    from reelops.cogvideox.loss import noise_levels
    from reelops.cogvideox.random_weights import random_transformer
    from reelops.system.peak_memory import PeakMemory
    from reelops.training.checkpoint import CheckpointFolder
    from reelops.training.components import TrainingComponents
    from reelops.training.launch import accelerator_for
    from reelops.training.loop import Loop
    from reelops.training.samples import Source, TrainingSamples

    def on_event(event: Event) -> None:
        if isinstance(event, Progress) and "seconds_per_step" in event.figures:
            seconds.append(event.figures["seconds_per_step"])
            context.progress("random", event.done, event.total, "steps", f"step {event.done:.0f}, {seconds[-1]:.2f} s")

    seconds: list[float] = []
    latents = RandomLatents(architecture, clip)
    levels = noise_levels(architecture.configs["scheduler"])
    source = Source(latents, latents.index, architecture.latent_frames(clip.num_frames))
    samples = TrainingSamples(source, latents.index.clips, params, len(levels))
    with PeakMemory() as peak, TemporaryDirectory() as folder:
        transformer = random_transformer(architecture, getattr(torch, dtype), device)
        add_lora(transformer, params.rank, params.alpha, params.targets, params.seed)
        components = TrainingComponents(
            params, samples, None, transformer, levels, getattr(torch, dtype), params.optimizer
        )
        loop = Loop(components, accelerator_for(dtype, device), CheckpointFolder(Path(folder), 1))
        outcome = loop.run(RunContext(on_event, context.should_stop))
    size = count_adapter(architecture, params.rank, params.targets)
    planned = training_footprint(
        architecture,
        clip,
        size,
        dtype,
        params.optimizer,
        params.micro_batch,
        params.gradient_checkpointing,
        on_gpu=device != "cpu",
    )
    return _figures(params, clip, seconds, outcome.waited_seconds, peak.bytes_used, planned) | {"dtype": dtype}


def _figures(
    params: TrainParams,
    clip: ClipFormat,
    seconds: list[float],
    waited: float,
    peak_bytes: Mapping[str, int],
    planned: TrainingFootprint,
) -> dict[str, Any]:
    step_seconds = statistics.median(seconds[min(_WARM_UP, len(seconds) - 1) :])
    return {
        "what": f"{clip.num_frames} frames of {clip.width}x{clip.height}, rank {params.rank}, random weights",
        "clips_per_step": params.batch,
        "gradient_checkpointing": params.gradient_checkpointing,
        "optimizer": params.optimizer,
        "steps": len(seconds),
        "seconds_per_step": round(step_seconds, 3),
        "samples_per_second": round(params.batch / step_seconds, 4),
        "waiting_share": round(waited / sum(seconds), 4),
        "peak_gb": {name: round(size / GB, 2) for name, size in peak_bytes.items()},
        "planned_gb": round(planned.peak / GB, 2),
    }


def _tables(found: Figures) -> Iterator[Table]:
    rows = ({"figure": name.replace("_", " "), "value": _in_words(value)} for name, value in found.items())
    yield Table.of(
        "Steps of the 5B's architecture with random weights", rows, {"Figure": "figure", "Measured": "value"}
    )


def _in_words(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name.replace('_', ' ')} {one}" for name, one in value.items())
    return str(value)


RANDOM_5B = Part(
    "random",
    "20 steps of the 5B's architecture with random weights, as `reelops train --plan` would train it on this GPU",
    300,
    measure_5b,
    _tables,
)

"""Whether a base model fits a machine, and how: number format, offload and tiling, from arithmetic alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, cast, get_args

from reelops.clip import ClipFormat
from reelops.cogvideox.architecture import Architecture
from reelops.errors import MachineError, SettingsError
from reelops.system.hardware import Machine

Dtype = Literal["float32", "bfloat16", "float16"]
Offload = Literal["none", "model", "group", "sequential"]

BYTES: dict[str, int] = {"float32": 4, "bfloat16": 2, "float16": 2}
GB = 1e9

# Copies of a block's hidden states that are alive at once in the transformer, in widths of the model: the feed-forward
# layer's four, and queries, keys, values, residuals and norms.
TRANSFORMER_COPIES = 10
# Copies of the VAE decoder's largest activation alive at once. Calibrated: CogVideoX-5B without offload or tiling
# peaks at 31.7 GB on an A100 (github.com/sayakpaul/diffusers-torchao), 10.6 GB above its 21.1 GB of weights, where
# one activation of 128 channels x 9 frames x 480 x 720 in bf16 takes 0.80 GB.
DECODER_COPIES = 14
# The decoder's first chunk yields nine frames, each further one eight.
DECODED_FRAMES = 9
CUDA_CONTEXT = 0.7 * GB
PROCESS = 1.0 * GB
# Sequential offload keeps single layers on the GPU; weights in flight are bounded by the largest of them.
SEQUENTIAL_SHARE = 0.05
# Group offload keeps the block that computes and the one that comes next.
GROUP_SHARE = 0.1
# An allocator never gets at all of a device's free memory.
USABLE_SHARE = 0.92


class DoesNotFit(MachineError):
    """There is no way in which a model fits what is free."""


@dataclass(frozen=True)
class MemoryPlan:
    """How a model is held in memory.

    Attributes:
        device: `cuda` or `cpu`.
        offload: `none` keeps all on the device; `model` moves whole networks in and out; `group` their blocks, each
            while the one before computes; `sequential` single layers.
        vae_tiling: decode in overlapping tiles, a little different at the seams.
        vae_slicing: decode one clip of a batch at a time.
        peak_bytes: expected peak on the device (the process's memory on a CPU).
        reason: one sentence for people.
    """

    device: str
    dtype: Dtype
    offload: Offload
    vae_tiling: bool
    vae_slicing: bool
    peak_bytes: int
    reason: str

    @property
    def described(self) -> str:
        """How the model is held, in a few words."""
        held = {
            "none": "everything",
            "model": "one network at a time",
            "group": "groups of layers",
            "sequential": "single layers",
        }[self.offload]
        where = "in memory" if self.device == "cpu" else "on the GPU"
        return f"{held} {where}{', decoding in tiles' if self.vae_tiling else ''}"


@dataclass(frozen=True)
class Footprint:
    """Bytes: the weights of each network, and what each needs beside them while it runs."""

    text_encoder: float
    transformer: float
    vae: float
    transformer_work: float
    decoder_work: float
    tiled_decoder_work: float

    @property
    def weights(self) -> float:
        return self.text_encoder + self.transformer + self.vae


def estimate_footprint(architecture: Architecture, clip: ClipFormat, dtype: Dtype) -> Footprint:
    """Memory of a generation with guidance (a batch of two)."""
    size = BYTES[dtype]
    cell = architecture.spatial_ratio * architecture.patch_size
    tokens = architecture.prompt_length + architecture.latent_frames(clip.num_frames) * (
        (clip.width // cell) * (clip.height // cell)
    )
    channels = int(architecture.get("vae", "block_out_channels")[0])
    decoder = DECODER_COPIES * channels * DECODED_FRAMES * clip.width * clip.height * size
    frames = 3 * clip.num_frames * clip.width * clip.height * (size + 4 + 1)
    count = architecture.parameters
    return Footprint(
        text_encoder=count["text_encoder"] * size,
        transformer=count["transformer"] * size,
        vae=count["vae"] * size,
        transformer_work=2 * tokens * architecture.width_of_transformer * TRANSFORMER_COPIES * size,
        decoder_work=decoder + frames,
        # Tiles are half as wide and half as high.
        tiled_decoder_work=decoder / 4 + frames,
    )


def _peak(need: Footprint, offload: Offload, tiling: bool) -> float:
    decoding = need.tiled_decoder_work if tiling else need.decoder_work
    if offload == "none":
        return need.weights + max(need.transformer_work, decoding)
    if offload == "model":
        return max(need.text_encoder, need.transformer + need.transformer_work, need.vae + decoding)
    share = GROUP_SHARE if offload == "group" else SEQUENTIAL_SHARE
    return share * need.weights + max(need.transformer_work, decoding)


def _ways(gpu: bool, asked: str | None = None) -> Iterator[tuple[Offload, bool]]:
    """Ways to hold a model, the fastest first; groups of layers where they are asked for."""
    yield from (("none", False), ("none", True))
    if gpu:
        yield from (("model", False), ("model", True))
        if asked == "group":
            yield ("group", True)
        yield ("sequential", True)


def choose_dtype(machine: Machine, asked: str | None = None) -> tuple[Dtype, str]:
    """The number format and why.

    bfloat16 wherever the hardware multiplies in it: the 5B was trained in it. Measured for the embedded model's shape
    on one core with AVX512-BF16: VAE decode 1.73 s in float32, 0.59 s in bfloat16; a transformer pass 0.68 s and
    0.55 s; both bit-reproducible, mean difference 0.9%.

    Raises:
        SettingsError: no such format.
    """
    if asked is not None:
        if asked not in get_args(Dtype):
            raise SettingsError(f"dtype {asked!r} is none of {', '.join(get_args(Dtype))}. Choose one of them.")
        return cast(Dtype, asked), "as asked"
    if machine.gpus:
        if machine.gpus[0].bf16:
            return "bfloat16", "the GPU computes in it"
        return (
            "float16",
            f"{machine.gpus[0].name} has no bfloat16; dark or broken frames would come from its narrow range",
        )
    if machine.cpu_bf16:
        return "bfloat16", "the processor multiplies in it"
    return "float32", "the processor has no bfloat16 instructions"


def plan_memory(
    architecture: Architecture,
    clip: ClipFormat,
    machine: Machine,
    dtype: str | None = None,
    offload: str | None = None,
    below: MemoryPlan | None = None,
) -> MemoryPlan:
    """The fastest way in which a model fits.

    Args:
        dtype, offload: what the user insists on; None chooses.
        below: a plan with which memory ran out; only ways that need less are left.

    Raises:
        DoesNotFit: it does not fit in any way; the message names what is needed and what is there.
        SettingsError: `dtype` or `offload` is no such thing.
    """
    if offload is not None and offload not in get_args(Offload):
        raise SettingsError(f"offload {offload!r} is none of {', '.join(get_args(Offload))}. Choose one of them.")
    chosen, why = choose_dtype(machine, dtype)
    need = estimate_footprint(architecture, clip, chosen)
    on_gpu = bool(machine.gpus)
    base = CUDA_CONTEXT if on_gpu else PROCESS
    free = machine.free_bytes * USABLE_SHARE
    smallest = float("inf")
    starved = False
    ways = list(_ways(on_gpu, offload))
    for way, tiling in ways[ways.index((below.offload, below.vae_tiling)) + 1 :] if below else ways:
        if offload is not None and way != offload:
            continue
        peak = base + _peak(need, way, tiling)
        ram = PROCESS + (need.weights if way != "none" else max(need.text_encoder, need.transformer))
        if on_gpu and ram > machine.ram_free_bytes and peak <= free:
            starved = True
            continue
        if peak <= free:
            return MemoryPlan(
                device=machine.device,
                dtype=chosen,
                offload=way,
                vae_tiling=tiling,
                vae_slicing=way != "none",
                peak_bytes=round(peak),
                reason=_reason(machine, chosen, why, way, tiling, peak),
            )
        smallest = min(smallest, peak)
    raise DoesNotFit(_refusal(architecture, clip, machine, chosen, offload, need, smallest, starved))


def _place(machine: Machine) -> str:
    if machine.gpus:
        return f"{machine.gpus[0].name} has {machine.free_bytes / GB:.1f} GB free"
    return f"this machine has {machine.ram_free_bytes / GB:.1f} GB of memory free"


def _reason(machine: Machine, dtype: str, why: str, way: Offload, tiling: bool, peak: float) -> str:
    held = {
        "none": "everything stays in memory" if not machine.gpus else "everything stays on the GPU",
        "model": "whole networks move on and off the GPU in turn",
        "group": "groups of layers move on and off the GPU, each while the one before computes",
        "sequential": "single layers move on and off the GPU, which is slow",
    }[way]
    tiles = ", the VAE decodes in tiles" if tiling else ""
    return f"{dtype} ({why}); {held}{tiles}: about {peak / GB:.1f} GB at the peak, {_place(machine)}."


def _refusal(
    architecture: Architecture,
    clip: ClipFormat,
    machine: Machine,
    dtype: str,
    offload: str | None,
    need: Footprint,
    smallest: float,
    starved: bool,
) -> str:
    what = f"{architecture.name} at {clip.width}x{clip.height}, {clip.num_frames} frames, in {dtype}"
    asked = f" with offload {offload}" if offload else ""
    if not machine.gpus and offload not in (None, "none"):
        return f"Offload {offload} needs a CUDA GPU and there is none here. Leave it out, or use a machine with one."
    if starved:
        return (
            f"{what}{asked} keeps {(need.weights + PROCESS) / GB:.1f} GB in main memory while the GPU works, and "
            f"{machine.ram_free_bytes / GB:.1f} GB are free. Free memory, or use the tiny profile."
        )
    return (
        f"{what}{asked} needs about {smallest / GB:.1f} GB and {_place(machine)}. "
        f"Use a larger machine, or the tiny profile."
    )

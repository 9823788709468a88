"""Whether a base's encoders fit a machine, one after the other: first the text encoder, then the VAE."""

from __future__ import annotations

from dataclasses import dataclass

from reelops.clip import ClipFormat
from reelops.cogvideox.architecture import Architecture
from reelops.cogvideox.memory import CUDA_CONTEXT, GB, PROCESS, USABLE_SHARE, Dtype, estimate_footprint
from reelops.errors import MachineError
from reelops.system.hardware import Machine


@dataclass(frozen=True)
class EncodersPlan:
    """How the encoders are held, never both at once.

    Attributes:
        text_device: `cpu` also beside a GPU that is too small for the text encoder; captions are few.
        vae_device: `cuda` or `cpu`.
        vae_tiling: encode in overlapping tiles, a little different at the seams.
        peak_bytes: expected peak of the larger of the two, where it is held.
        notes: for the user, on what is not as usual.
    """

    text_device: str
    vae_device: str
    vae_tiling: bool
    peak_bytes: int
    notes: tuple[str, ...] = ()


def plan_encoders(architecture: Architecture, clip: ClipFormat, machine: Machine, dtype: Dtype) -> EncodersPlan:
    """The fastest way in which each of the two fits, when it is alone.

    The VAE's encoder mirrors its decoder, whose measured work bounds the encoder's.

    Raises:
        MachineError: one of them does not fit in any way; the message names what is needed and what is there.
    """
    need = estimate_footprint(architecture, clip, dtype)
    free = machine.free_bytes * USABLE_SHARE
    base = CUDA_CONTEXT if machine.gpus else PROCESS
    notes = []
    text, text_device = base + need.text_encoder, machine.device
    if text > free and machine.gpus and PROCESS + need.text_encoder <= machine.ram_free_bytes * USABLE_SHARE:
        text_device, text = "cpu", PROCESS + need.text_encoder
        notes.append("the text encoder does not fit the GPU; captions are encoded on the processor, which is slow")
    elif text > free:
        raise MachineError(_refusal("text encoder", architecture, text, machine))
    whole, tiled = (base + need.vae + work for work in (need.decoder_work, need.tiled_decoder_work))
    if tiled > free:
        raise MachineError(_refusal("VAE", architecture, tiled, machine))
    if whole > free:
        notes.append("the VAE encodes in tiles, for want of memory; latents differ a little at their seams")
    return EncodersPlan(
        text_device=text_device,
        vae_device=machine.device,
        vae_tiling=whole > free,
        peak_bytes=round(max(text, tiled if whole > free else whole)),
        notes=tuple(notes),
    )


def _refusal(part: str, architecture: Architecture, needed: float, machine: Machine) -> str:
    place = f"{machine.gpus[0].name} has" if machine.gpus else "this machine has"
    return (
        f"The {part} of {architecture.name} needs about {needed / GB:.1f} GB and {place} "
        f"{machine.free_bytes / GB:.1f} GB free. Free memory, set latents.dtype to bfloat16, or use a larger machine."
    )

"""Torch's own random generators, of all devices, in a checkpoint. Samples do not draw from them; other code may."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


def random_states(accelerator: Any) -> dict[str, Tensor]:
    """Those of the processor and of CUDA, where there is one: one row per device (devices, bytes), on this one."""
    device = accelerator.device
    states = {"cpu": accelerator.gather(torch.get_rng_state().to(device)[None])}
    if device.type == "cuda":
        states["cuda"] = accelerator.gather(torch.cuda.get_rng_state().to(device)[None])
    return states


def restore_random_states(states: Mapping[str, Tensor], accelerator: Any) -> None:
    """This device's own row; a device that had none when they were saved keeps what it has."""
    own = accelerator.process_index
    # Copies: torch reads a state from the beginning of its memory, whichever row of it is given (2.13).
    if "cpu" in states and own < len(states["cpu"]):
        torch.set_rng_state(states["cpu"][own].cpu().clone())
    if "cuda" in states and own < len(states["cuda"]) and accelerator.device.type == "cuda":
        torch.cuda.set_rng_state(states["cuda"][own].cpu().clone())

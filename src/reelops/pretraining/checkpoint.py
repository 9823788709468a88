"""Checkpoints of a pretraining run: whole or not there, and safe to load."""

from __future__ import annotations

import zipfile
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import torch

from reelops.errors import SettingsError
from reelops.foreign import reading_foreign
from reelops.system.files import write_atomically

STOPPED = "Stopped as asked; the checkpoint is saved, and the same command resumes from there."


def save_checkpoint(
    path: Path, model: torch.nn.Module, optimizer: torch.optim.Optimizer, state: dict[str, Any]
) -> None:
    """Writes model, optimizer and `state` in one step.

    Raises:
        SettingsError: weights are not finite; the checkpoint before them stays.
        MachineError: the disk is full, or the place cannot be written to; the checkpoint before stays.
    """
    broken = [name for name, value in model.state_dict().items() if not torch.isfinite(value).all()]
    if broken:
        raise SettingsError(
            f"Training has run away: {len(broken)} weights of {path.stem} are not finite, the first is {broken[0]}. "
            "The checkpoint before stays. Lower the learning rate of that phase in pretrain.yaml and run it again."
        )
    content = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "state": state}
    # Given a path, torch writes by itself and does not say that a disk is full.
    with write_atomically(path) as partial, partial.open("wb") as file:
        torch.save(content, file)


def load_checkpoint(path: Path, model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """Fills model and optimizer from `path` and returns its state; an empty one where there is no checkpoint.

    Raises:
        SettingsError: it is damaged.
        MachineError: it cannot be read on this machine now.
    """
    if not path.exists():
        return {}
    with reading_phase(path):
        saved = load_whole(path)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        return dict(saved["state"])


def reading_phase(path: Path) -> AbstractContextManager[None]:
    """Within it what a phase has left is read, which a disk may have damaged meanwhile.

    Raises:
        SettingsError: it is damaged.
        MachineError: it cannot be read on this machine now.
    """
    return reading_foreign(path, SettingsError, "is damaged", "remove it, and its phase begins anew")


def load_whole(path: Path) -> Any:
    """What `torch.save` wrote there, once every byte is known to be what was written; torch itself does not ask."""
    with zipfile.ZipFile(path) as archive:
        if (damaged := archive.testzip()) is not None:
            raise ValueError(f"{damaged} in it is not what was written")
    return torch.load(path, weights_only=True)

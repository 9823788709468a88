"""Checkpoints of a pretraining run: whole or not there, and safe to load."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from reelops.errors import SettingsError
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
    """Fills model and optimizer from `path` and returns its state; an empty one where there is no checkpoint."""
    if not path.exists():
        return {}
    saved = torch.load(path, weights_only=True)
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
    return dict(saved["state"])

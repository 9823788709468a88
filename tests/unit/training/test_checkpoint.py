"""Checkpoints: which of them stay, and that what this machine cannot read now is no fact about them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from scarcity import no_more_open_files

from reelops.errors import MachineError
from reelops.training.checkpoint import Checkpoint, CheckpointFolder, RunState

Spoil = Callable[[Path], object]


def at_step(step: int) -> Checkpoint:
    tensors = {"lora": {"a": torch.full((64,), float(step))}, "average": {}, "best": {}, "optimizer": {}, "random": {}}
    return Checkpoint(tensors, {}, RunState(step=step))


def names(folder: CheckpointFolder) -> list[str]:
    return sorted(path.name for path in folder.folder.iterdir())


def next_start(folder: CheckpointFolder) -> int | None:
    """The step at which a new process would go on."""
    found, _ = CheckpointFolder(folder.folder, 1).latest()
    return found.state.step if found else None


def cut_short(checkpoint: Path) -> None:
    (checkpoint / "lora.safetensors").write_bytes(b"broken")


def one_bit_other(checkpoint: Path) -> None:
    data = bytearray((checkpoint / "lora.safetensors").read_bytes())
    data[-1] ^= 1
    (checkpoint / "lora.safetensors").write_bytes(data)


def without_a_file(checkpoint: Path) -> None:
    (checkpoint / "curve.jsonl").unlink()


def with_a_manifest_of_another_kind(checkpoint: Path) -> None:
    (checkpoint / "manifest.json").write_text('["lora.safetensors"]')


@pytest.mark.parametrize("spoil", [cut_short, one_bit_other, without_a_file, with_a_manifest_of_another_kind])
@pytest.mark.parametrize("keep", [1, 2])
def test_a_damaged_newer_checkpoint_takes_no_whole_ones_place(spoil: Spoil, keep: int, tmp_path: Path) -> None:
    earlier = CheckpointFolder(tmp_path, 3)
    for step in (50, 100, 200):
        spoilt = earlier.save(at_step(step))
    spoil(spoilt)
    resumed = CheckpointFolder(tmp_path, keep)
    found, notes = resumed.latest()
    assert found is not None and found.state.step == 100 and "step-000200" in notes[0]

    written = resumed.save(at_step(150))

    assert names(resumed) == ["step-000100", "step-000150"][-keep:]
    assert written.is_dir() and next_start(resumed) == 150


def test_nothing_is_removed_before_enough_whole_ones_are_there(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path, 3)
    for step in (100, 200):
        last = folder.save(at_step(step))
    cut_short(last)
    folder.save(at_step(150))
    assert names(folder) == ["step-000100", "step-000150", "step-000200"]
    folder.save(at_step(160))
    assert names(folder) == ["step-000100", "step-000150", "step-000160"]


def test_a_checkpoint_that_is_damaged_while_training_goes_on_no_longer_counts(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path, 2)
    folder.save(at_step(1))
    one_bit_other(folder.save(at_step(2)))
    folder.save(at_step(3))
    assert names(folder) == ["step-000001", "step-000003"]


def test_a_checkpoint_that_cannot_be_read_now_is_neither_passed_over_nor_removed(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path, 1)
    folder.save(at_step(7))
    assert next_start(folder) == 7
    with no_more_open_files(), pytest.raises(MachineError, match="Nothing is known of the file"):
        CheckpointFolder(tmp_path, 1).latest()
    assert next_start(folder) == 7

"""Checkpoints: everything a run needs to resume as if nothing had happened, whole or not there, verified when read.

    step-000500/
      lora.safetensors        the adapter's matrices, float32
      average.safetensors     their average, where one is kept
      best.safetensors        what did best on the held-out clips, where that is measured
      optimizer.safetensors   its tensors, by matrix
      random.safetensors      states of the generators of every device
      state.json              step, seconds, best loss, MLflow run, the optimizer's numbers
      curve.jsonl             what was logged so far
      manifest.json           bytes and sha256 of all of these; written last

The learning rate and all draws of samples are functions of the step, so a step is all of their state. No pickles.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reelops.errors import DatasetError, MachineError
from reelops.foreign import NO_JSON, machine_error_on_read
from reelops.system.digest import sha256_of
from reelops.system.exclusive_lock import exclusive_lock
from reelops.system.files import write_folder_atomically

if TYPE_CHECKING:
    import torch
    from torch import Tensor

MANIFEST = "manifest.json"
LOCK = "run.lock"
TENSORS = ("lora", "average", "best", "optimizer", "random")
_NAME = re.compile(r"step-(\d{6,})")
_KEEP_FREE_BYTES = 200_000_000


@dataclass
class RunState:
    """The plain part of a checkpoint.

    Attributes:
        step: optimizer steps done.
        seconds: spent in training, over all runs.
        best_loss, best_step: of the held-out evaluations; None before the first.
        stale_evaluations: evaluations since the best one.
        run_id: MLflow's.
        curve: a row a logged step, and a row an evaluation.
    """

    step: int = 0
    seconds: float = 0.0
    best_loss: float | None = None
    best_step: int | None = None
    stale_evaluations: int = 0
    run_id: str | None = None
    curve: list[dict[str, float]] = field(default_factory=list)


@dataclass
class Checkpoint:
    """A state of a run: tensors by group and name (see `TENSORS`), the optimizer's plain values, the rest."""

    tensors: dict[str, dict[str, Tensor]]
    numbers: dict[str, dict[str, Any]]
    state: RunState


def exclusive_run(folder: Path) -> AbstractContextManager[None]:
    """Keeps a second process from training the same run.

    Raises:
        MachineError: another process trains it.
    """
    busy = f"Another process is training this very run ({folder}). Wait for it, or change train.seed for a second one."
    return exclusive_lock(folder / LOCK, busy)


class CheckpointFolder:
    """The checkpoints of one run.

    Args:
        keep: how many whole ones stay, one at least.
    """

    def __init__(self, folder: Path, keep: int) -> None:
        self.folder = folder
        self._keep = max(1, keep)
        self._judged: dict[Path, tuple[object, str | None]] = {}

    def save(self, checkpoint: Checkpoint) -> Path:
        """Writes a checkpoint in one step, then removes those beyond the newest whole ones, the written one first.

        Raises:
            MachineError: there is no room for it, or the folder cannot be written; earlier checkpoints are untouched.
        """
        from safetensors.torch import save_file

        path = self.folder / f"step-{checkpoint.state.step:06d}"
        self._check_room(checkpoint)
        with write_folder_atomically(path) as partial:
            for group, tensors in checkpoint.tensors.items():
                if tensors:
                    whole = {name: value.detach().to("cpu").contiguous() for name, value in tensors.items()}
                    save_file(whole, partial / f"{group}.safetensors")
            plain = asdict(checkpoint.state)
            rows = plain.pop("curve")
            content = {"state": plain, "optimizer": checkpoint.numbers}
            (partial / "state.json").write_text(json.dumps(content, indent=1) + "\n")
            (partial / "curve.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
            (partial / MANIFEST).write_text(json.dumps(_manifest(partial), indent=1) + "\n")
        self._judged[path] = _mark_of(path), None
        self._prune(path)
        return path

    def latest(self) -> tuple[Checkpoint | None, list[str]]:
        """The newest checkpoint that is whole, and what to say about newer ones that are not.

        Raises:
            MachineError: one cannot be read on this machine now; an older one in its place would lose its steps.
        """
        notes: list[str] = []
        for path in self._paths():
            damage = self._damage_of(path)
            if damage is None:
                return _read(path), notes
            notes.append(f"checkpoint {path.name} was passed over: {damage}")
        return None, notes

    def clear(self) -> None:
        """Removes all of them."""
        for path in self._paths():
            shutil.rmtree(path)

    def _prune(self, written: Path) -> None:
        """Removes what is not needed beside the whole checkpoints that stay: older ones, and damaged ones.

        A damaged one takes nobody's place, and nothing goes before enough whole ones are there. One that cannot be read
        now is not judged: it stays.
        """
        whole, rest = [written], list[Path]()
        for path in self._paths():
            if path == written:
                continue
            try:
                stays = len(whole) < self._keep and self._damage_of(path) is None
            except MachineError:
                continue
            (whole if stays else rest).append(path)
        if len(whole) == self._keep:
            for path in rest:
                shutil.rmtree(path, ignore_errors=True)

    def _damage_of(self, path: Path) -> str | None:
        """`damage_of`, asked again only once a file has changed: reading them all at every save would cost minutes."""
        mark = _mark_of(path)
        if self._judged.get(path, (None, None))[0] != mark:
            self._judged[path] = mark, damage_of(path)
        return self._judged[path][1]

    def _paths(self) -> list[Path]:
        """Newest first.

        Raises:
            MachineError: the folder cannot be looked into; `glob` would say that there is nothing in it.
        """
        try:
            found = [path for path in self.folder.iterdir() if _NAME.fullmatch(path.name)]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise machine_error_on_read(self.folder, error) from error
        return sorted(found, key=lambda path: int(path.name.removeprefix("step-")), reverse=True)

    def _check_room(self, checkpoint: Checkpoint) -> None:
        tensors = [value for group in checkpoint.tensors.values() for value in group.values()]
        check_room(self.folder, sum(value.numel() * value.element_size() for value in tensors))


def check_room(folder: Path, size_bytes: float) -> None:
    """Refuses to begin to write what the disk has no room for.

    Raises:
        MachineError: it has not, or there is no such place.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise MachineError(f"cannot write checkpoints to {folder}: {error.strerror}. Choose another place.") from error
    if free < size_bytes + _KEEP_FREE_BYTES:
        raise MachineError(
            f"{folder} has {free / 1e9:.2f} GB free and a checkpoint takes {size_bytes / 1e9:.2f} GB, beside "
            f"{_KEEP_FREE_BYTES / 1e9:.1f} GB that stay free. Free some space; earlier checkpoints are whole."
        )


def damage_of(path: Path) -> str | None:
    """What is wrong with a checkpoint, by its manifest; None if nothing is.

    Raises:
        MachineError: this machine cannot read it now, which says nothing about the checkpoint.
    """
    try:
        return _damage_of(path)
    except OSError as error:
        raise machine_error_on_read(path, error) from error


def _damage_of(path: Path) -> str | None:
    try:
        manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
        stated = {name: (facts["bytes"], facts["sha256"]) for name, facts in manifest.items()}
    except (FileNotFoundError, TypeError, KeyError, AttributeError, *NO_JSON):
        return f"it has no readable {MANIFEST}"
    for name, (size_bytes, sha256) in stated.items():
        file = path / name
        if not file.is_file():
            return f"{name} is missing"
        if file.stat().st_size != size_bytes or sha256_of(file) != sha256:
            return f"{name} is not what was written"
    return None


def _mark_of(folder: Path) -> object:
    """What is another as soon as a file of a folder is."""
    try:
        return [(path.name, (seen := path.stat()).st_size, seen.st_mtime_ns) for path in sorted(folder.iterdir())]
    except OSError as error:
        raise machine_error_on_read(folder, error) from error


def _manifest(folder: Path) -> dict[str, dict[str, Any]]:
    return {path.name: {"bytes": path.stat().st_size, "sha256": sha256_of(path)} for path in sorted(folder.iterdir())}


def _read(path: Path) -> Checkpoint:
    try:
        return _read_whole(path)
    except OSError as error:
        raise machine_error_on_read(path, error) from error


def _read_whole(path: Path) -> Checkpoint:
    from safetensors.torch import load_file

    groups = [group for group in TENSORS if (path / f"{group}.safetensors").is_file()]
    tensors: dict[str, dict[str, Tensor]] = {group: {} for group in TENSORS}
    tensors |= {group: load_file(path / f"{group}.safetensors") for group in groups}
    content = json.loads((path / "state.json").read_text(encoding="utf-8"))
    rows = [json.loads(line) for line in (path / "curve.jsonl").read_text(encoding="utf-8").splitlines()]
    return Checkpoint(tensors, content["optimizer"], RunState(**content["state"], curve=rows))


def optimizer_values(
    optimizer: torch.optim.Optimizer, names: Sequence[str]
) -> tuple[dict[str, Tensor], dict[str, dict[str, Any]]]:
    """An optimizer's state by matrix: tensors as `<matrix>|<key>`, plain values as {matrix: {key: value}}."""
    import torch

    tensors: dict[str, Tensor] = {}
    numbers: dict[str, dict[str, Any]] = {}
    for name, parameter in zip(names, optimizer.param_groups[0]["params"], strict=True):
        for key, value in optimizer.state.get(parameter, {}).items():
            if isinstance(value, torch.Tensor):
                tensors[f"{name}|{key}"] = value
            elif isinstance(value, int | float | str | bool):
                numbers.setdefault(name, {})[key] = value
    return tensors, numbers


def restore_optimizer(
    optimizer: torch.optim.Optimizer,
    names: Sequence[str],
    tensors: Mapping[str, Tensor],
    numbers: Mapping[str, Mapping[str, Any]],
) -> None:
    """The inverse of `optimizer_values`, on an optimizer of the same kind.

    Raises:
        DatasetError: the state is of another optimizer's matrices.
    """
    parameters = dict(zip(names, optimizer.param_groups[0]["params"], strict=True))
    for full, value in tensors.items():
        name, _, key = full.rpartition("|")
        if name not in parameters:
            raise DatasetError(f"The checkpoint's optimizer knows {name}, which this run does not train. Use --fresh.")
        parameter = parameters[name]
        where = "cpu" if key == "step" else parameter.device
        optimizer.state[parameter][key] = value.to(where)
    for name, values in numbers.items():
        optimizer.state[parameters[name]].update(values)

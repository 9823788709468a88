"""A work folder's phases are taken up by the run that they belong to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from reelops.errors import MachineError, SettingsError
from reelops.pretraining import work_folder
from reelops.pretraining.checkpoint import load_checkpoint, save_checkpoint
from reelops.pretraining.latents import film_latents
from reelops.pretraining.params import PretrainConfig
from reelops.pretraining.plan import PretrainingPlan
from reelops.pretraining.stage import run_pretraining
from reelops.pretraining.work_folder import LOCK, take_up
from reelops.system.exclusive_lock import exclusive_lock
from reelops.system.making import Making


@pytest.fixture
def plan(tmp_path: Path) -> PretrainingPlan:
    """One whose first phase is complete."""
    picture, model = tmp_path / "a.png", tmp_path / "model"
    picture.write_bytes(b"a picture")
    (model / "vae").mkdir(parents=True)
    (model / "vae" / "weights.safetensors").write_bytes(b"weights")
    plan = PretrainingPlan(PretrainConfig(), (picture,), (), tmp_path / "work", tmp_path / "work/candidate", model)
    take_up(plan)
    (plan.work / "vae.pt").write_bytes(b"a phase")
    return plan


def test_the_same_run_goes_on_also_for_longer(plan: PretrainingPlan) -> None:
    take_up(plan)
    longer = replace(plan.config, vae=replace(plan.config.vae, seconds=9e9), decoder_seconds=9e9)
    take_up(replace(plan, config=longer))


def test_other_settings_are_another_run(plan: PretrainingPlan) -> None:
    for change in ({"clips": 7}, {"seed": 7}, {"vae": replace(plan.config.vae, lr=0.5)}):
        with pytest.raises(SettingsError, match="it had other settings"):
            take_up(replace(plan, config=replace(plan.config, **change)))


def test_other_files_and_weights_are_another_run(plan: PretrainingPlan) -> None:
    plan.pictures[0].write_bytes(b"B picture")
    with pytest.raises(SettingsError, match="it had other pictures"):
        take_up(plan)
    assert plan.start_from is not None
    (plan.start_from / "vae" / "weights.safetensors").write_bytes(b"further")
    with pytest.raises(SettingsError, match="it had other pictures, weights to start from"):
        take_up(plan)


def test_other_code_is_another_run(plan: PretrainingPlan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work_folder, "making_of", lambda *_: Making("of tomorrow", ()))
    with pytest.raises(SettingsError, match="it had other code or libraries"):
        take_up(plan)


def test_a_run_that_was_stopped_while_it_looked_at_its_files_begins_again(
    plan: PretrainingPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    fresh = replace(plan, work=plan.work.with_name("fresh"))
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(work_folder, "making_of", stopped)
        take_up(fresh)
    assert fresh.work.is_dir(), "something was kept"
    take_up(fresh)
    take_up(fresh)


def test_phases_of_nobody_knows_whom_are_not_taken_up(plan: PretrainingPlan) -> None:
    (plan.work / work_folder.NAME).unlink()
    with pytest.raises(SettingsError, match="are of another run"):
        take_up(plan)


def test_a_folder_that_another_process_works_in_is_refused(plan: PretrainingPlan) -> None:
    with (
        exclusive_lock(plan.work / LOCK, "not this one"),
        pytest.raises(MachineError, match=r"Another process is pretraining in .*--work"),
    ):
        run_pretraining(plan)


def test_a_file_in_the_folders_place_is_one_line(plan: PretrainingPlan, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(MachineError, match=r"cannot write .*file"):
        run_pretraining(replace(plan, work=tmp_path / "file"))


@pytest.mark.parametrize("spoil", [lambda data: data[:-30], lambda data: b"", lambda data: flipped(data)])
def test_a_damaged_phase_is_one_line_that_says_what_to_do(tmp_path: Path, spoil: Callable[[bytes], bytes]) -> None:
    model = torch.nn.Linear(64, 64)
    optimizer, path = torch.optim.AdamW(model.parameters()), tmp_path / "vae.pt"
    save_checkpoint(path, model, optimizer, {"step": 1})
    assert load_checkpoint(path, model, optimizer) == {"step": 1}
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(SettingsError, match=r"vae\.pt is damaged: .*remove it, and its phase begins anew"):
        load_checkpoint(path, model, optimizer)
    (tmp_path / "shard-00000.npz").write_bytes(spoil(path.read_bytes()))
    with pytest.raises(SettingsError, match=r"shard-00000\.npz is damaged: .*remove it"):
        film_latents(None, [], (48, 32), 1, tmp_path, 0)


def flipped(data: bytes) -> bytes:
    """Another bit among the weights."""
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]

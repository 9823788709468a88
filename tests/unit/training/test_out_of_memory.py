"""Memory that runs out in training after all: one line that says what needs less, and the last checkpoint whole."""

from __future__ import annotations

import pytest
import torch
from training_work import train_here

from reelops.errors import MachineError, OutOfMemory
from reelops.training import loop
from reelops.training.launch import report_on_rank_zero


@pytest.fixture
def full_at_the_fifth_pass(monkeypatch):
    """A GPU that has room for four passes."""
    passes, predict = [], loop.predict_velocity

    def predict_while_there_is_room(*arguments):
        passes.append(1)
        if len(passes) == 5:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return predict(*arguments)

    monkeypatch.setattr(loop, "predict_velocity", predict_while_there_is_room)


def test_it_says_what_needs_less_and_the_same_run_goes_on_afterwards(ground, full_at_the_fifth_pass):
    settings = {"steps": 8, "batch": 2, "micro_batch": 2, "checkpoint_every": 2, "held_out": {"every": 0}}
    with pytest.raises(OutOfMemory) as caught:
        train_here(ground, **settings)
    said = str(caught.value)
    assert said.startswith("The GPU ran out of memory training with 2 clips per pass (planned: 1.0 GB)"), said
    for way in ("train.gradient_checkpointing", "lower train.micro_batch", "train.optimizer to offload"):
        assert way in said
    assert "resumed from step 4" in train_here(ground, **settings).notes


def test_of_several_processes_the_one_whose_device_is_full_says_so_itself(monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "1")
    with pytest.raises(OutOfMemory), report_on_rank_zero():
        raise OutOfMemory("The GPU ran out of memory.")
    with pytest.raises(SystemExit), report_on_rank_zero():
        raise MachineError("a fault that all of them meet")

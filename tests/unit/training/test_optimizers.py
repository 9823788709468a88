"""Optimizers by name: where each keeps what it keeps, and what is said where one cannot be had."""

from __future__ import annotations

import importlib.util

import pytest
import torch
from training_ground import TRAIN

from reelops.training.checkpoint import optimizer_values, restore_optimizer
from reelops.training.optimizers import OffloadedAdamW, available_optimizer, build_optimizer
from reelops.training.params import TrainParams

NAMES = ("first", "second")


def train(optimizer, parameters, steps, first=0):
    for step in range(first, steps):
        optimizer.param_groups[0]["lr"] = 0.1 / (1 + step)
        for number, parameter in enumerate(parameters):
            parameter.grad = torch.randn(parameter.shape, generator=torch.Generator().manual_seed(10 * step + number))
        optimizer.step()
        optimizer.zero_grad()


def fresh(name):
    parameters = [torch.nn.Parameter(torch.ones(4, 3)), torch.nn.Parameter(torch.ones(5))]
    return parameters, build_optimizer(name, parameters, TrainParams.model_validate(TRAIN))


def test_the_offloaded_optimizer_is_adamw_to_the_bit_and_also_after_a_checkpoint():
    plain, adamw = fresh("adamw")
    train(adamw, plain, 6)
    before, offloaded = fresh("offload")
    train(offloaded, before, 3)
    tensors, numbers = optimizer_values(offloaded, NAMES)
    after, resumed = fresh("offload")
    with torch.no_grad():
        for value, kept in zip(after, before, strict=True):
            value.copy_(kept)
    restore_optimizer(resumed, NAMES, tensors, numbers)
    train(resumed, after, 6, first=3)
    for value, expected in zip(after, plain, strict=True):
        assert torch.equal(value, expected)


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def test_what_the_offloaded_optimizer_keeps_is_in_main_memory_and_nothing_of_it_on_the_device(device):
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("needs a CUDA GPU")
    parameters = [torch.nn.Parameter(torch.ones(3, device=device))]
    optimizer = OffloadedAdamW(parameters, lr=0.1)
    parameters[0].grad = torch.ones(3, device=device)
    optimizer.step()
    (kept,) = optimizer.param_groups[0]["params"]
    assert kept.data_ptr() != parameters[0].data_ptr() and kept.grad is None
    assert {value.device.type for value in [kept, *optimizer.state[kept].values()]} == {"cpu"}
    assert parameters[0].device.type == device and (parameters[0] < 1).all()


@pytest.mark.skipif(importlib.util.find_spec("bitsandbytes") is not None, reason="bitsandbytes is installed here")
def test_8_bit_averages_that_cannot_be_had_say_what_to_install():
    name, said = available_optimizer("adamw8bit", on_gpu=True)
    assert name == "adamw" and "pip install bitsandbytes" in said and "adamw was taken" in said
    assert available_optimizer("offload", on_gpu=False) == ("offload", None)

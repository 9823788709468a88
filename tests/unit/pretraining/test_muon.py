"""The optimizer."""

from __future__ import annotations

import copy

import torch

from reelops.pretraining.muon import Muon, orthogonalised


def test_an_update_is_nearly_orthogonal() -> None:
    torch.manual_seed(0)
    for shape in ((32, 96), (96, 32), (40, 80)):
        singular = torch.linalg.svdvals(orthogonalised(torch.randn(*shape)))
        # The quintic iteration trades exactness for speed: singular values land between about 0.7 and 1.2.
        assert singular.min() > 0.6
        assert singular.max() < 1.3


def test_it_solves_least_squares_with_a_convolution_and_a_bias() -> None:
    torch.manual_seed(0)
    target = torch.nn.Conv2d(4, 6, 3)
    model = torch.nn.Conv2d(4, 6, 3)
    optimizer = Muon([model.weight], [model.bias], lr=0.02, adam_lr=0.02)
    for step in range(300):
        optimizer.scale_lr(1 - step / 300)
        inputs = torch.randn(8, 4, 8, 8)
        loss = (model(inputs) - target(inputs).detach()).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 1e-4


def test_its_state_survives_saving() -> None:
    def train(model: torch.nn.Linear, optimizer: Muon, steps: int, seed: int) -> None:
        torch.manual_seed(seed)
        for _ in range(steps):
            loss = model(torch.randn(16, 8)).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    torch.manual_seed(1)
    model = torch.nn.Linear(8, 8)
    optimizer = Muon([model.weight], [model.bias])
    train(model, optimizer, 3, seed=2)
    twin = torch.nn.Linear(8, 8)
    twin.load_state_dict(model.state_dict())
    other = Muon([twin.weight], [twin.bias])
    other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    train(model, optimizer, 3, seed=3)
    train(twin, other, 3, seed=3)
    assert torch.equal(model.weight, twin.weight)
    assert torch.equal(model.bias, twin.bias)

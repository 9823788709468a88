"""Optimizers by name; where one cannot be had here, AdamW takes its place, with a note."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import Parameter

from reelops.errors import MachineError

if TYPE_CHECKING:
    from reelops.training.params import TrainParams


class OffloadedAdamW(torch.optim.AdamW):
    """AdamW whose averages and arithmetic live in main memory; the device holds weights and gradients only.

    Steps equal AdamW's own on a processor. A step moves each gradient out and each weight in and out once.
    """

    def __init__(self, parameters: Sequence[Parameter], **settings: Any) -> None:
        self._live = list(parameters)
        super().__init__([Parameter(live.detach().to("cpu", copy=True)) for live in self._live], **settings)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> Any:
        assert closure is None
        own: list[Tensor] = self.param_groups[0]["params"]
        for mine, live in zip(own, self._live, strict=True):
            mine.copy_(live)
            mine.grad = None if live.grad is None else live.grad.to("cpu", mine.dtype)
        super().step()
        for mine, live in zip(own, self._live, strict=True):
            live.copy_(mine)
            mine.grad = None

    def zero_grad(self, set_to_none: bool = True) -> None:  # noqa: ARG002 - torch's signature
        for live in self._live:
            live.grad = None


def available_optimizer(name: str, on_gpu: bool) -> tuple[str, str | None]:
    """The optimizer that is taken when one is asked for, and what to say if it is another."""
    if name != "adamw8bit":
        return name, None
    if not on_gpu:
        return "adamw", "optimizer adamw8bit needs a GPU; adamw was taken"
    if importlib.util.find_spec("bitsandbytes") is None:
        return "adamw", "optimizer adamw8bit needs bitsandbytes (pip install bitsandbytes); adamw was taken"
    return name, None


def build_optimizer(name: str, parameters: Sequence[Parameter], params: TrainParams) -> torch.optim.Optimizer:
    """The optimizer, one that `available_optimizer` named.

    Raises:
        MachineError: its package is broken.
    """
    settings: dict[str, Any] = {"betas": params.betas, "weight_decay": params.weight_decay, "eps": 1e-8}
    if name == "adamw":
        return torch.optim.AdamW(parameters, lr=params.lr, **settings)
    if name == "offload":
        return OffloadedAdamW(parameters, lr=params.lr, **settings)
    try:
        from bitsandbytes.optim import AdamW8bit

        optimizer: torch.optim.Optimizer = AdamW8bit(parameters, lr=params.lr, **settings)
        return optimizer
    except (ImportError, OSError, RuntimeError) as error:
        raise MachineError(f"train.optimizer {name} cannot be used here: {error}. Use adamw or offload.") from error

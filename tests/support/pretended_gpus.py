"""GPUs that are not there, as far as torch tells of them: the one place where its CUDA functions are replaced."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest


class PretendedGpus:
    """What torch says of so many GPUs, and on which of them it was made to open a context.

    Attributes:
        contexts: numbers of the devices that were asked for what only a context on them can tell.
    """

    def __init__(self, count: int, free_gb: float) -> None:
        self.count, self.free_bytes = count, int(free_gb * 1e9)
        self.contexts: list[int] = []

    def properties(self, index: int) -> SimpleNamespace:
        return SimpleNamespace(name=f"GPU {index}", total_memory=80_000_000_000, major=9, minor=0)

    def mem_get_info(self, index: int) -> tuple[int, int]:
        self.contexts.append(index)
        return self.free_bytes, 80_000_000_000


@pytest.fixture
def pretend_gpus(monkeypatch: pytest.MonkeyPatch) -> Callable[..., PretendedGpus]:
    """Makes torch tell of so many GPUs, with so many GB free on each."""
    import torch

    def pretend(count: int, free_gb: float = 40.0) -> PretendedGpus:
        gpus = PretendedGpus(count, free_gb)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
        monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
        monkeypatch.setattr(torch.cuda, "get_device_properties", gpus.properties)
        monkeypatch.setattr(torch.cuda, "mem_get_info", gpus.mem_get_info)
        return gpus

    return pretend

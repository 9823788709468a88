"""The most memory a piece of work held."""

from __future__ import annotations

import sys
import threading
from types import TracebackType
from typing import Any

import psutil


class PeakMemory:
    """Peak memory between entering and leaving: the process's own (RSS, sampled) and CUDA's, exactly.

    `bytes_used` has `rss`, and with CUDA `cuda_allocated` (tensors) and `cuda_reserved` (what the allocator holds).
    """

    def __init__(self, every_seconds: float = 0.02) -> None:
        self._every = every_seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="peak-memory", daemon=True)
        self._process = psutil.Process()
        self._rss = 0
        self._cuda: dict[str, int] = {}

    @property
    def bytes_used(self) -> dict[str, int]:
        return {"rss": self._rss, **self._cuda}

    def __enter__(self) -> PeakMemory:
        torch = _loaded_torch()
        if torch and torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()
        self._rss = self._process.memory_info().rss
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._rss = max(self._rss, self._process.memory_info().rss)
        torch = _loaded_torch()
        if torch and torch.cuda.is_available():
            self._cuda = {
                "cuda_allocated": int(torch.cuda.max_memory_allocated()),
                "cuda_reserved": int(torch.cuda.max_memory_reserved()),
            }

    def _watch(self) -> None:
        while not self._stop.wait(self._every):
            self._rss = max(self._rss, self._process.memory_info().rss)


def _loaded_torch() -> Any:
    """torch where somebody has loaded it; where nobody has, nothing of ours is on a GPU."""
    return sys.modules.get("torch")

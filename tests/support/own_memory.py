"""Memory that is a process's own, apart from the pages of files that it has mapped."""

from __future__ import annotations

import threading
from pathlib import Path


class OwnMemory:
    """Growth of this process's own memory within, in bytes; 0 where the system does not tell it from pages of files.

    Attributes:
        peak: the largest growth so far.
    """

    def __enter__(self) -> OwnMemory:
        self.peak, self._before, self._ended = 0, _own_bytes(), threading.Event()
        self._watcher = threading.Thread(target=self._watch)
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._watcher.join()

    def grown(self) -> int:
        return _own_bytes() - self._before

    def _watch(self) -> None:
        while not self._ended.wait(0.002):
            self.peak = max(self.peak, self.grown())


def _own_bytes() -> int:
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith("RssAnon"))

"""A full disk, met before it is full."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reelops.errors import MachineError


class Disk:
    """The disk that a folder is on, and what running transfers still mean to write to it."""

    def __init__(self, folder: Path, keep_free_bytes: int) -> None:
        self._folder = folder
        self._keep_free = keep_free_bytes
        self._claimed = 0
        self._lock = threading.Lock()

    @contextmanager
    def claim(self, size_bytes: int) -> Iterator[None]:
        """Keeps room for so many bytes while the block runs.

        Raises:
            MachineError: there would be less than what is to be kept free.
        """
        with self._lock:
            self._check(size_bytes)
            self._claimed += size_bytes
        try:
            yield
        finally:
            with self._lock:
                self._claimed -= size_bytes

    def check(self) -> None:
        """Whether what is to be kept free still is, for transfers whose size nobody said."""
        with self._lock:
            self._check(0)

    def _check(self, more_bytes: int) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(self._folder).free
        if free < self._claimed + more_bytes + self._keep_free:
            raise MachineError(
                f"the disk of {self._folder} has {_gb(free)} free; {_gb(self._claimed + more_bytes)} more are needed "
                f"and {_gb(self._keep_free)} are to stay free (dataset.download.keep_free_gb). Free some space, or "
                "lower a limit in params.yaml; what was fetched stays."
            )


def _gb(size_bytes: int) -> str:
    return f"{size_bytes / 1e9:.2f} GB"

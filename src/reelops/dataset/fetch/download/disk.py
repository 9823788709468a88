"""A full disk, met before it is full."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reelops.errors import MachineError
from reelops.system.write_errors import machine_error_on_write

_CHECK_BYTES = 1 << 26


class Claim:
    """Room that is kept for bytes that are still to come; what has come takes its own room."""

    def __init__(self, disk: Disk | None, size_bytes: int) -> None:
        self._disk = disk
        self._left = size_bytes
        self._unforeseen = 0

    def landed(self, size_bytes: int) -> None:
        """So many bytes more are on the disk. Those that nobody claimed are looked at every 64 MiB.

        Raises:
            MachineError: there is less than what is to be kept free.
        """
        if self._disk is None:
            return
        expected = min(size_bytes, self._left)
        self._left -= expected
        self._disk.release(expected)
        self._unforeseen += size_bytes - expected
        if self._unforeseen >= _CHECK_BYTES:
            self._unforeseen = 0
            self._disk.check()

    def give_back(self) -> None:
        if self._disk:
            self._disk.release(self._left)
        self._left = 0


class Disk:
    """The disk that a folder is on, and what running transfers still mean to write to it."""

    def __init__(self, folder: Path, keep_free_bytes: int) -> None:
        self._folder = folder
        self._keep_free = keep_free_bytes
        self._claimed = 0
        self._lock = threading.Lock()

    @property
    def size_bytes(self) -> int:
        """Of the whole disk, free or not."""
        return self._usage()[0]

    @contextmanager
    def claim(self, size_bytes: int) -> Iterator[Claim]:
        """Keeps room for so many bytes while the block runs; it tells the claim of each part that has come.

        Raises:
            MachineError: there would be less than what is to be kept free.
        """
        with self._lock:
            self._check(size_bytes)
            self._claimed += size_bytes
        claim = Claim(self, size_bytes)
        try:
            yield claim
        finally:
            claim.give_back()

    def release(self, size_bytes: int) -> None:
        """Takes back a part of a claim."""
        with self._lock:
            self._claimed -= size_bytes

    def check(self) -> None:
        """Whether what is to be kept free still is, for bytes that nobody announced.

        Raises:
            MachineError: it is not.
        """
        with self._lock:
            self._check(0)

    def _check(self, more_bytes: int) -> None:
        free = self._usage()[1]
        if free < self._claimed + more_bytes + self._keep_free:
            raise MachineError(
                f"the disk of {self._folder} has {_gb(free)} free; {_gb(self._claimed + more_bytes)} more are needed "
                f"and {_gb(self._keep_free)} are to stay free (dataset.download.keep_free_gb). Free some space, or "
                "lower a limit in params.yaml; what was fetched stays."
            )

    def _usage(self) -> tuple[int, int]:
        with machine_error_on_write(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
            usage = shutil.disk_usage(self._folder)
        return usage.total, usage.free


def _gb(size_bytes: int) -> str:
    return f"{size_bytes / 1e9:.2f} GB"

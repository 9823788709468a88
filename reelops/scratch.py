"""Folders that live as long as a run, however it ends."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def scratch_folder(cache: Path) -> Iterator[Path]:
    """A folder for the length of a run; what a killed run left is recognised by its dropped lock, and removed."""
    root = cache / "scratch"
    root.mkdir(parents=True, exist_ok=True)
    for folder in root.iterdir():
        _remove_if_abandoned(folder)
    path, lock = _create_locked(root)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(lock)


def _create_locked(root: Path) -> tuple[Path, int]:
    """A new folder and the handle that holds its lock."""
    while True:
        path = Path(tempfile.mkdtemp(dir=root))
        lock = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        # Before it is locked, another run may take the folder for abandoned.
        with suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(lock), path.stat()):
                return path, lock
        os.close(lock)


def _remove_if_abandoned(folder: Path) -> None:
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:
        pass  # its run is alive
    finally:
        os.close(handle)

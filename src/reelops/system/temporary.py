"""Temporary files and folders that go with their owner.

Each is locked by the process that made it, and the system drops the lock with the process. So whatever a killed owner
left behind is told from what a living one is at work on, and can be removed.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from reelops.system.file_names import LONGEST_NAME, shortened
from reelops.system.write_errors import machine_error_on_write

PARTIAL_SUFFIX = ".partial"
SWEEP_EVERY_SECONDS = 60.0
_TOKEN_BYTES = 6
_MOST_OF_A_NAME = LONGEST_NAME - len("..") - 2 * _TOKEN_BYTES - len(PARTIAL_SUFFIX)
_swept: dict[str, float] = {}


@contextmanager
def temporary_folder(new_name: Callable[[], Path]) -> Iterator[Path]:
    """A new folder that goes with the block; its lock tells others that its owner lives.

    It is named before it is made, inside what removes it: a signal's exception finds it even between the two.

    Args:
        new_name: gives a path that nothing has.

    Raises:
        MachineError: the place cannot be written to.
    """
    while True:
        folder, handle = new_name(), None
        try:
            with machine_error_on_write(folder.parent):
                folder.mkdir()
                with suppress(FileNotFoundError):  # somebody took it for abandoned before it was locked
                    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            if handle is not None and is_ours(handle, folder):
                yield folder
                return
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            if handle is not None:
                os.close(handle)


@contextmanager
def temporary_file(path: Path) -> Iterator[Path]:
    """As `temporary_folder`, an empty file beside `path`; it may be moved away within the block."""
    while True:
        partial, handle = partial_of(path), None
        try:
            with machine_error_on_write(path):
                handle = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
            if is_ours(handle, partial):
                yield partial
                return
        finally:
            with suppress(OSError):  # what went wrong before is what is told
                partial.unlink(missing_ok=True)
            if handle is not None:
                os.close(handle)


def is_ours(handle: int, path: Path) -> bool:
    """Takes the lock; False where somebody took the path for abandoned between its making and this."""
    try:
        locked = lock(handle)
    except OSError:
        locked = True  # a disk that knows no locks, on which nobody takes anything for abandoned either
    return locked and is_at(handle, path)


def lock(handle: int) -> bool:
    """Locks an open file or folder until it is closed; False where another process has it locked.

    Raises:
        OSError: the disk knows no locks, as some network disks do.
    """
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def is_at(handle: int, path: Path) -> bool:
    """Whether what is open is still what stands under that name."""
    try:
        return os.path.samestat(os.fstat(handle), path.lstat())
    except OSError:
        return False


def partial_of(path: Path) -> Path:
    """A hidden name beside `path` that nothing has, however long that of `path` is."""
    begin = shortened(path.name, _MOST_OF_A_NAME)
    return path.with_name(f".{begin}.{secrets.token_hex(_TOKEN_BYTES)}{PARTIAL_SUFFIX}")


def sweep(folder: Path) -> None:
    """Removes the temporary files in `folder` whose writer is dead, once in a while.

    Each time the whole folder is listed, which for tens of thousands of files takes longer than a write does.
    """
    name, now = str(folder.absolute()), time.monotonic()
    if now - _swept.get(name, -SWEEP_EVERY_SECONDS) >= SWEEP_EVERY_SECONDS:
        _swept[name] = now
        remove_abandoned_partials(folder)


def remove_abandoned_partials(folder: Path) -> list[Path]:
    """Removes the temporary files and folders in `folder` whose writer is dead, and says which."""
    return [partial for partial in folder.glob(f".*{PARTIAL_SUFFIX}") if remove_if_abandoned(partial)]


def remove_if_abandoned(path: Path) -> bool:
    """Removes a temporary file or folder whose writer is dead; anything else stays."""
    try:
        handle = os.open(path, _open_flags(path) | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        if not lock(handle) or not is_at(handle, path):
            return False
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()
    except OSError:  # it cannot be known whether its writer lives
        return False
    finally:
        os.close(handle)
    return True


def _open_flags(path: Path) -> int:
    # Some network disks lock only what is open for writing, and no folder can be.
    return os.O_RDONLY | os.O_DIRECTORY if path.is_dir() else os.O_RDWR

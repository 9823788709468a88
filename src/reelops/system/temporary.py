"""Temporary files and folders that go with their owner.

Each is locked by the process that made it, and the system drops the lock with the process. So whatever a killed owner
left behind is told from what a living one is at work on, and can be removed.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from reelops.system.write_errors import machine_error_on_write

PARTIAL_SUFFIX = ".partial"


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
                handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            if _is_ours(handle, folder):
                yield folder
                return
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            if handle is not None:
                os.close(handle)


@contextmanager
def temporary_file(path: Path) -> Iterator[Path]:
    """As `passing_folder`, an empty file beside `path`; it may be moved away within the block."""
    while True:
        partial, handle = partial_of(path), None
        try:
            with machine_error_on_write(path):
                handle = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
            if _is_ours(handle, partial):
                yield partial
                return
        finally:
            partial.unlink(missing_ok=True)
            if handle is not None:
                os.close(handle)


def _is_ours(handle: int, path: Path) -> bool:
    """Takes the lock; False where somebody took the path for abandoned between its making and this."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(handle), path.stat())
    except OSError:
        return False


def partial_of(path: Path) -> Path:
    """A hidden name beside `path` that nothing has."""
    return path.with_name(f".{path.name[:180]}.{secrets.token_hex(6)}{PARTIAL_SUFFIX}")


def remove_folder_if_abandoned(folder: Path) -> None:
    """Removes a folder whose holder is dead; anything else stays."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:
        pass  # its holder is alive
    finally:
        os.close(handle)


def remove_abandoned_partials(folder: Path) -> list[Path]:
    """Removes the temporary files in `folder` whose writer is dead, and says which."""
    return [partial for partial in folder.glob(f".*{PARTIAL_SUFFIX}") if _remove_if_abandoned(partial)]


def _remove_if_abandoned(partial: Path) -> bool:
    try:
        handle = os.open(partial, os.O_RDWR | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        partial.unlink(missing_ok=True)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True

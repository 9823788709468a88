"""Locks on files that one process has at a time, on one machine; the kernel drops them with the process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from reelops.errors import MachineError


def kernel_lock(path: Path, shared: bool = False) -> FileLock:
    """The lock on a file, not yet taken; the file is made and stays.

    Args:
        shared: other users of the machine may take it, too.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # filelock's other kind of lock, a file that merely exists, would outlive a killed process.
    if shared:
        return FileLock(path, mode=0o666, fallback_to_soft=False)
    return FileLock(path, fallback_to_soft=False)


@contextmanager
def exclusive_lock(path: Path, busy: str) -> Iterator[None]:
    """Within it nobody else holds the same file.

    Raises:
        MachineError: somebody holds it; says `busy`.
    """
    try:
        held = kernel_lock(path).acquire(blocking=False)
    except Timeout as error:
        raise MachineError(busy) from error
    with held:
        yield

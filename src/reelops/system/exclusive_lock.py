"""Locks on files that one process has at a time, on one machine; the kernel drops them with the process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from reelops.errors import MachineError
from reelops.foreign import reason_of
from reelops.system.write_errors import machine_error_on_write

_READ_AND_WRITE = 0o666


def kernel_lock(path: Path, shared: bool = False) -> FileLock:
    """The lock on a file, not yet taken; the file is made and stays.

    Whoever may write into its folder may take it, whatever the umask of who came first: in a folder that a group
    shares, the group. A symbolic link in its place is never followed.

    Args:
        shared: every user of the machine may take it, as in /tmp.

    Raises:
        MachineError: the folder cannot be made.
    """
    with machine_error_on_write(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        mode = _READ_AND_WRITE if shared else path.parent.stat().st_mode & _READ_AND_WRITE | 0o600
    # filelock's other kind of lock, a file that merely exists, would outlive a killed process.
    return FileLock(path, mode=mode, fallback_to_soft=False, thread_local=False)


def acquire(
    lock: FileLock, timeout_seconds: float, poll_seconds: float = 0.05, should_stop: Callable[[], bool] | None = None
) -> FileLock:
    """The lock, taken.

    Args:
        timeout_seconds: 0 does not wait, -1 waits for ever.
        should_stop: asked at each poll.

    Raises:
        Timeout: somebody holds it, or the wait was to stop.
        MachineError: its file cannot be opened.
    """
    try:
        lock.acquire(timeout=timeout_seconds, poll_interval=poll_seconds, cancel_check=should_stop)
    except Timeout:
        raise
    except OSError as error:
        raise MachineError(
            f"the lock {lock.lock_file} cannot be used ({reason_of(error)}); it has to be a plain file that you may "
            "write to. Remove what is there, or ask its owner to."
        ) from error
    return lock


@contextmanager
def exclusive_lock(path: Path, busy: str) -> Iterator[None]:
    """Within it nobody else holds the same file.

    Raises:
        MachineError: somebody holds it; says `busy`. Or it cannot be used.
    """
    try:
        held = acquire(kernel_lock(path), 0)
    except Timeout as error:
        raise MachineError(busy) from error
    try:
        yield
    finally:
        held.release()


@contextmanager
def patient_lock(path: Path) -> Iterator[None]:
    """As `exclusive_lock`, for what takes a moment: it waits until whoever holds the file is done.

    Raises:
        MachineError: it cannot be used.
    """
    held = acquire(kernel_lock(path), -1)
    try:
        yield
    finally:
        held.release()

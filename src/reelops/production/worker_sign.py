"""Whether a worker runs on this machine: each holds a lock on a file of its own, which the kernel drops with it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import Timeout

from reelops.errors import MachineError
from reelops.system.exclusive_lock import acquire, exclusive_lock, kernel_lock

_FOLDER = Path("locks") / "workers"


@contextmanager
def seen_at_work(home: Path) -> Iterator[None]:
    """Within it this process is seen as a worker of a home folder.

    Raises:
        MachineError: the folder cannot be written to.
    """
    sign = home / _FOLDER / f"{os.getpid()}.lock"
    with exclusive_lock(sign, busy=f"Process {os.getpid()} is a worker already."):
        yield


def a_worker_runs(home: Path) -> bool:
    """Whether a worker of a home folder runs on this machine; what ended workers left behind is removed."""
    for sign in sorted((home / _FOLDER).glob("*.lock")):
        lock = kernel_lock(sign)
        try:
            acquire(lock, 0)
        except (Timeout, MachineError):  # held, or another user's, who alone can say
            return True
        with suppress(OSError):  # another one looks, too
            sign.unlink()
        lock.release()
    return False

"""One run at a time on a device, kept by a lock that the kernel drops with the process.

Schedulers count slots, but a slot that outlives a killed run blocks the next one, and somebody at a shell holds no slot
at all. The file lock is what makes two runs on one GPU impossible; a scheduler's limit on top only says who waits.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from reelops.errors import MachineError

POLL_SECONDS = 0.5


@contextmanager
def hold_device(
    home: Path, on_wait: Callable[[str], None] | None = None, timeout_seconds: float | None = None
) -> Iterator[str]:
    """Waits until this process alone has the device that generation runs on, and gives the device's name.

    A GPU is locked for the whole machine; the processor only for runs that share this home folder.

    Args:
        on_wait: told once, in a sentence, that somebody else is on the device.

    Raises:
        MachineError: it did not come free in time.
    """
    name, path = _device(home)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    try:
        _lock(handle, name, on_wait, timeout_seconds)
        yield name
    finally:
        os.close(handle)


def _lock(handle: int, name: str, on_wait: Callable[[str], None] | None, timeout_seconds: float | None) -> None:
    deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
    told = False
    while not _try_lock(handle):
        if on_wait and not told:
            on_wait(f"another run is on {name}; this one starts when it is free")
            told = True
        if deadline is not None and time.monotonic() >= deadline:
            raise MachineError(f"{name} was busy for {timeout_seconds:g} s; try again when the other run has ended.")
        time.sleep(POLL_SECONDS)


def _try_lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _device(home: Path) -> tuple[str, Path]:
    """The name of the device torch would take, and its lock file."""
    import torch

    if not torch.cuda.is_available():
        return "the processor", home / "locks" / "cpu.lock"
    properties = torch.cuda.get_device_properties(torch.cuda.current_device())
    return properties.name, Path(tempfile.gettempdir()) / f"reelops-gpu-{properties.uuid}.lock"

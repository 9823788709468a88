"""One run at a time on a device, kept by a lock that the kernel drops with the process.

Schedulers count slots, but a slot that outlives a killed run blocks the next one, and somebody at a shell holds no slot
at all. The file lock is what makes two runs on one GPU impossible; a scheduler's limit on top only says who waits.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import AcquireReturnProxy, FileLock, Timeout

from reelops.errors import MachineError
from reelops.system.exclusive_lock import kernel_lock

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
    lock = kernel_lock(path, shared=True)
    try:
        held = lock.acquire(blocking=False)
    except Timeout:
        if on_wait:
            on_wait(f"another run is on {name}; this one starts when it is free")
        held = _wait_for(lock, name, timeout_seconds)
    with held:
        yield name


def _wait_for(lock: FileLock, name: str, timeout_seconds: float | None) -> AcquireReturnProxy[FileLock]:
    try:
        return lock.acquire(timeout=-1 if timeout_seconds is None else timeout_seconds, poll_interval=POLL_SECONDS)
    except Timeout as error:
        busy = f"{name} was busy for {timeout_seconds:g} s; try again when the other run has ended."
        raise MachineError(busy) from error


def _device(home: Path) -> tuple[str, Path]:
    """The name of the device torch would take, and its lock file."""
    import torch

    if not torch.cuda.is_available():
        return "the processor", home / "locks" / "cpu.lock"
    properties = torch.cuda.get_device_properties(torch.cuda.current_device())
    return properties.name, Path(tempfile.gettempdir()) / f"reelops-gpu-{properties.uuid}.lock"

"""One run at a time on a device, kept by locks that the kernel drops with the process.

Schedulers count slots, but a slot that outlives a killed run blocks the next one, and somebody at a shell holds no slot
at all. The file lock is what makes two runs on one GPU impossible; a scheduler's limit on top only says who waits.

Whoever puts a network on a device asks `on_device` for its name, so nothing computes on a GPU that another run has.
A stage that knows when it begins and ends holds it for so long, by `hold_accelerator`, and says why it waits. What a
process holds its children hold, too: a flow that waits for the device starts a training on it.
"""

from __future__ import annotations

import logging
import os
import stat
import tempfile
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from reelops.errors import MachineError
from reelops.progress import QUIET, Event, LogMessage, RunContext
from reelops.system.exclusive_lock import acquire, kernel_lock

POLL_SECONDS = 0.5
# Which locks a process holds, for its children: its number, then the files.
_HELD_BY_PARENT = "_REELOPS_DEVICES_HELD"
# A lock of the whole machine is where every user looks for it, wherever each keeps temporary files.
_PLACES = (Path("/run/lock"), Path("/tmp"), Path("/var/tmp"))  # noqa: S108 - shared on purpose, checked before use


@dataclass(frozen=True)
class Device:
    """Something that one run computes on at a time: its name for people, and the file of its lock."""

    name: str
    lock: Path
    whole_machine: bool = True


def _warn(event: Event) -> None:
    if isinstance(event, LogMessage):
        logging.getLogger("reelops").warning(event.text)


_WARNING = RunContext(_warn)


@dataclass
class _Hold:
    lock: FileLock
    times: int


_holds: dict[Path, _Hold] = {}
# Held while holds are looked at or changed, never while one is waited for; that is what the gates are for.
_changing = threading.Lock()
_gates: defaultdict[Path, threading.Lock] = defaultdict(threading.Lock)
# A forked child finds its parent's in the environment, as every other child does.
os.register_at_fork(after_in_child=_holds.clear)


def lock_folder() -> tuple[Path, bool]:
    """Where the locks of GPUs are, and whether all users of the machine meet there."""
    for place in _PLACES:
        try:
            mode = place.stat().st_mode
        except OSError:
            continue
        if stat.S_ISDIR(mode) and mode & stat.S_ISVTX and mode & stat.S_IWOTH:
            return place, True
    return Path(tempfile.gettempdir()), False


@contextmanager
def hold_device(home: Path, context: RunContext = QUIET, timeout_seconds: float | None = None) -> Iterator[str]:
    """Waits until this process alone has the device that generation runs on, and gives the device's name.

    A GPU is locked for the whole machine; the processor only for generations that share this home folder.

    Args:
        context: told once, in a sentence, that somebody else is on the device; may stop the wait.

    Raises:
        MachineError: it did not come free in time, or its lock cannot be used.
        Cancelled: somebody asked to stop.
    """
    device = _gpu() or Device("the processor", home / "locks" / "cpu.lock", whole_machine=False)
    with hold(device, context, timeout_seconds):
        yield device.name


@contextmanager
def hold_accelerator(context: RunContext = QUIET, timeout_seconds: float | None = None) -> Iterator[str | None]:
    """Waits until this process alone has its GPU, and gives its name; where there is none it waits for nothing.

    Raises:
        MachineError: it did not come free in time, or its lock cannot be used; or another run has it and this one has
            several processes, which could wait for each other.
        Cancelled: somebody asked to stop.
    """
    device = _gpu()
    if device is None:
        yield None
        return
    with hold(device, context, 0 if _is_shared_run() else timeout_seconds):
        yield device.name


def on_device(name: str) -> str:
    """The name that torch takes, once this process has the device; ask for it before anything is put there.

    What nobody has held until then stays this process's until it ends, as what was put there does.

    Args:
        name: `cpu`, `cuda` or `cuda:1`; what is no GPU is nobody's.

    Raises:
        MachineError: its lock cannot be used, or another run has it and this one has several processes.
    """
    if name.partition(":")[0] == "cuda" and (device := _gpu(name)) is not None:
        _take(device, _WARNING, 0 if _is_shared_run() else None, for_good=True)
    return name


@contextmanager
def hold(device: Device, context: RunContext = QUIET, timeout_seconds: float | None = None) -> Iterator[None]:
    """Within it no other process has the device; this one's other threads and its children share it.

    Args:
        timeout_seconds: 0 does not wait, None waits for ever.

    Raises:
        MachineError: it did not come free in time, or its lock cannot be used.
        Cancelled: somebody asked to stop.
    """
    taken = _take(device, context, timeout_seconds)
    try:
        yield
    finally:
        if taken:
            _let_go(device)


def _take(device: Device, context: RunContext, timeout_seconds: float | None, for_good: bool = False) -> bool:
    """Whether there is something to let go of afterwards."""
    with _gates[device.lock]:
        with _changing:
            if device.lock in _holds:
                _holds[device.lock].times += not for_good
                return not for_good
            if device.lock in _held_by_parents():
                return False
        lock = _acquired(device, context, timeout_seconds)
        with _changing:
            _holds[device.lock] = _Hold(lock, 1)
            _tell_children()
        return True


def _let_go(device: Device) -> None:
    with _changing:
        held = _holds[device.lock]
        held.times -= 1
        if not held.times:
            del _holds[device.lock]
            _tell_children()
            held.lock.release()


def _acquired(device: Device, context: RunContext, timeout_seconds: float | None) -> FileLock:
    lock = kernel_lock(device.lock, shared=device.whole_machine)
    try:
        return acquire(lock, 0)
    except Timeout:
        if timeout_seconds != 0:
            context.log(f"Waiting: another run is on {device.name}; this one starts when it is free.", "warning")
    try:
        return acquire(lock, -1 if timeout_seconds is None else timeout_seconds, POLL_SECONDS, context.should_stop)
    except Timeout as error:
        context.raise_if_stopped(f"Stopped as asked while waiting for {device.name}; nothing was written.")
        waited = f" for {timeout_seconds:g} s" if timeout_seconds else ""
        raise MachineError(f"{device.name} was busy{waited}; try again when the other run has ended.") from error


def _is_shared_run() -> bool:
    """Whether several processes were launched that each take a device of their own."""
    return os.environ.get("WORLD_SIZE", "1") != "1"


def _gpu(name: str = "cuda") -> Device | None:
    """The GPU that torch means; None where there is none. Each process of a launched run has one of its own."""
    import torch

    if not torch.cuda.is_available():
        return None
    number = name.partition(":")[2] or os.environ.get("LOCAL_RANK") or torch.cuda.current_device()
    properties = torch.cuda.get_device_properties(int(number))
    return Device(properties.name, lock_folder()[0] / f"reelops-gpu-{properties.uuid}.lock")


def _tell_children() -> None:
    if _holds:
        os.environ[_HELD_BY_PARENT] = os.pathsep.join([str(os.getpid()), *map(str, _holds)])
    else:
        os.environ.pop(_HELD_BY_PARENT, None)


def _held_by_parents() -> Sequence[Path]:
    """Of processes that started this one and still live: a lock goes with its process."""
    number, *locks = os.environ.get(_HELD_BY_PARENT, "").split(os.pathsep)
    if not number.isdecimal() or int(number) == os.getpid():
        return ()
    import psutil

    try:
        ancestors = {parent.pid for parent in psutil.Process().parents()}
    except psutil.Error:
        return ()
    return [Path(lock) for lock in locks] if int(number) in ancestors else ()

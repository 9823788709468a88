"""What the tests of the worker pool let it do; a worker finds these functions by this module's name."""

from __future__ import annotations

import errno
import os
import signal
import time
from pathlib import Path

from reelops.errors import VideoError
from reelops.system.worker_pool import ONE_THREAD, ReportProgress


def square(number: int, report: ReportProgress) -> int:
    report(number)
    return number * number


def trouble(what: str, report: ReportProgress) -> str:
    """Ends in the way that is asked for."""
    if what == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if what == "full":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if what == "refuse":
        raise VideoError("this is not a video.")
    if what == "break":
        raise ZeroDivisionError("division by zero")
    if what == "hoard":
        import torch  # which takes longer than all other jobs together

        torch.empty(10**15)
    if what == "unsendable":
        return (letter for letter in what)
    if what == "sleep":
        report(os.getpid())
        time.sleep(600)
    return what


def threads(_: int, report: ReportProgress) -> dict[str, str | None]:
    return {name: os.environ.get(name) for name in ONE_THREAD}


def killed_once(note: Path, report: ReportProgress) -> str:
    """Is killed where the note is named so and has nothing in it yet."""
    before = note.read_text() if note.exists() else ""
    note.write_text(f"{before}begun ")
    if note.name == "killed" and not before:
        os.kill(os.getpid(), signal.SIGKILL)
    return note.name


class DeadlyPath(type(Path())):
    """A file's name that ends the worker process which it is sent to, as a file may end its decoder."""

    ends_by = signal.SIGSEGV

    def __reduce__(self):
        return signal.raise_signal, (self.ends_by,)


class HungryPath(DeadlyPath):
    """One that ends it as the kernel does where a file takes all memory."""

    ends_by = signal.SIGKILL


class EndsAtItsStart:
    """Work that a process cannot even be told of."""

    def __init__(self, how: str) -> None:
        self.how = how

    def __call__(self, job: object, report: ReportProgress) -> object:
        return job

    def __reduce__(self):
        return (os._exit, (1,)) if self.how == "exit" else (signal.raise_signal, (signal.SIGKILL,))


class TakesAllMemory:
    """A job that there is no memory for where it arrives."""

    def __reduce__(self):
        return bytes, (10**15,)

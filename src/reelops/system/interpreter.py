"""How the process of a command of ours is set up: it starts and ends sooner, and leaves other processes their share."""

from __future__ import annotations

import atexit
import gc
import os
import sys
import time
from pathlib import Path
from typing import NoReturn

# torch, diffusers and transformers make a million objects while they are imported, and keep them. By Python's own 700,
# a quarter of the time that importing takes goes into looking for garbage among them.
_NEW_OBJECTS_PER_COLLECTION = 50_000
_LOST_OUTPUT = 120  # as Python itself ends where standard output cannot be written
_START_TICKS = 19  # in /proc/self/stat, counted after the program's name; see proc_pid_stat(5)

_exit_code: int | None = None


def configure_interpreter() -> None:
    """For a process that is ours alone, before torch is imported; results do not change.

    OpenMP's threads sleep while they wait for work. By default they spin, and where another process is busy, each keeps
    the core from the thread that it waits for. A user's own OMP_WAIT_POLICY counts.

    Garbage is looked for less often, and no more at the end of the process, which returns all memory anyhow.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    _, *older = gc.get_threshold()
    gc.set_threshold(_NEW_OBJECTS_PER_COLLECTION, *older)
    atexit.register(_skip_teardown)  # handlers run in reverse order, so this is the last one
    atexit.register(gc.freeze)


def end_process(code: int) -> NoReturn:
    """Ends a process that `configure_interpreter` set up: threads and exit handlers end, the system takes the rest.

    Python itself would take thousands of modules and a model apart, object by object, which takes a third of a second.
    """
    global _exit_code
    _exit_code = code
    sys.exit(code)


def _skip_teardown() -> None:
    if _exit_code is None:
        return
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        os._exit(_LOST_OUTPUT)
    os._exit(_exit_code)


def process_age() -> float:
    """Seconds since this process was started, before Python itself was."""
    try:
        # psutil counts from the second in which the machine was booted, and can be one second off.
        fields = Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        started = int(fields[_START_TICKS]) / os.sysconf("SC_CLK_TCK")
        return time.clock_gettime(time.CLOCK_BOOTTIME) - started
    except (OSError, AttributeError):  # there is no /proc but on Linux
        import psutil  # not needed elsewhere

        return time.time() - float(psutil.Process().create_time())

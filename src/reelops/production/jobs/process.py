"""Processes as ledgers name them, and whether one is known to have ended."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import psutil

_CLOCK_TICK_SECONDS = 1.0


def this_process() -> str:
    """This process as ledgers name it: host and what tells its processes apart, number, and when it was started."""
    process = psutil.Process()
    return f"{_host()}:{process.pid}:{process.create_time():.2f}"


def is_gone(owner: str) -> bool:
    """Whether a process is known to have ended: it was of this host, and is not there any more."""
    host, number, started = owner.rsplit(":", 2)
    if host != _host():
        return False
    try:
        process = psutil.Process(int(number))
        is_another = abs(process.create_time() - float(started)) > _CLOCK_TICK_SECONDS  # which got its number
        return bool(is_another or process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def _host() -> str:
    """The host, and on Linux its last start and the container, in which the same number is another process."""
    boot, space = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
    try:
        return f"{socket.gethostname()}/{boot.read_text()[:8]}/{os.stat(space).st_ino}"  # noqa: PTH116 - follows it
    except OSError:
        return socket.gethostname()

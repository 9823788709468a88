"""What the crew's tests let it do; a worker finds these functions by this module's name."""

from __future__ import annotations

import os
import signal
import time

from reelops.errors import VideoError
from reelops.system.worker_pool import ONE_THREAD, Tell


def square(number: int, tell: Tell) -> int:
    tell(number)
    return number * number


def trouble(what: str, tell: Tell) -> str:
    """Does what it is told."""
    if what == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "refuse":
        raise VideoError("this is not a video.")
    if what == "break":
        raise ZeroDivisionError("division by zero")
    if what == "sleep":
        tell(os.getpid())
        time.sleep(600)
    return what


def threads(_: int, tell: Tell) -> dict[str, str | None]:
    return {name: os.environ.get(name) for name in ONE_THREAD}

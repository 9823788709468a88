"""SIGTERM that cannot get lost: what a worker sends a run when somebody cancels it.

Prefect raises an exception where the signal finds the run. That may be in a finaliser, or inside an extension module
that is being loaded, where Python and C code drop exceptions; the run would then go on to its end as if nobody had
asked. So the signal is also noted, and looked for between stages and steps.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from prefect.exceptions import TerminationSignal

_asked = threading.Event()


@contextmanager
def sigterm_noted() -> Iterator[None]:
    """Within it, a SIGTERM is noted before it goes on to whoever handled it; for a flow's body."""
    if threading.current_thread() is not threading.main_thread():
        yield  # Python delivers signals to the main thread only
        return
    before = signal.getsignal(signal.SIGTERM)

    def note(number: int, frame: FrameType | None) -> None:
        _asked.set()
        if callable(before):
            before(number, frame)
        raise TerminationSignal(number)

    _asked.clear()
    signal.signal(signal.SIGTERM, note)
    try:
        yield
        heed_sigterm()
    finally:
        signal.signal(signal.SIGTERM, before)
        _asked.clear()


def heed_sigterm() -> None:
    """Ends the run here if a SIGTERM came.

    Raises:
        TerminationSignal: one did.
    """
    if _asked.is_set():
        raise TerminationSignal(signal.SIGTERM)

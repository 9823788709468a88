"""SIGTERM that cannot get lost: what a worker sends a run when somebody cancels it.

Prefect raises an exception where the signal finds the run, and exceptions can get lost there
(`reelops.progress.signal_noted`). So a run looks for the signal between stages and steps.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from prefect.exceptions import TerminationSignal

from reelops.progress import ShouldStop, signal_noted

_asked: ContextVar[ShouldStop] = ContextVar("asked", default=lambda: False)


@contextmanager
def sigterm_noted() -> Iterator[None]:
    """For a flow's body: `raise_if_terminated` anywhere within it, or its end, raises if a SIGTERM came meanwhile."""
    with signal_noted(signal.SIGTERM, lambda: TerminationSignal(signal.SIGTERM)) as asked:
        token = _asked.set(asked)
        try:
            yield
            raise_if_terminated()
        finally:
            _asked.reset(token)


def is_asked_to_stop() -> bool:
    """Whether a SIGTERM came, for work that looks for it by itself."""
    return _asked.get()()


def raise_if_terminated() -> None:
    """Ends the run here if a SIGTERM came.

    Raises:
        TerminationSignal: one did.
    """
    if _asked.get()():
        raise TerminationSignal(signal.SIGTERM)

"""How long work tells how far it is, and hears that it should stop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


@dataclass(frozen=True)
class Progress:
    """How far a generation is: `done` of `total` steps of `stage` (load, encode, denoise, decode)."""

    stage: str
    done: int
    total: int


OnProgress = Callable[[Progress], None]
ShouldStop = Callable[[], bool]


@contextmanager
def signal_noted(number: signal.Signals, stop: Callable[[], BaseException]) -> Iterator[ShouldStop]:
    """Within it a signal is noted before it goes on to whoever handled it, or raises what `stop` makes.

    A handler's exception is raised wherever the signal finds the program. In a finaliser, in a callback of C code or
    in an extension module that is being loaded, it is printed at best and dropped, and the work would go on to its end
    as if nobody had asked. Asking what this yields between steps cannot miss the signal. Outside the main thread, to
    which Python delivers no signals, it yields a function that never says stop.
    """
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set
        return
    before = signal.getsignal(number)

    def note(received: int, frame: FrameType | None) -> None:
        asked.set()
        if callable(before):
            before(received, frame)
        raise stop()

    signal.signal(number, note)
    try:
        yield asked.is_set
    finally:
        signal.signal(number, before)


@contextmanager
def signals_awaited(*numbers: signal.Signals) -> Iterator[ShouldStop]:
    """Within it the first of these signals is only noted, so that work can bring a step to its end and save it.

    Asking what this yields tells whether one came. A second one goes to whoever handled it before, which ends the work
    where it stands. Outside the main thread it yields a function that never says stop.
    """
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set
        return
    before = {number: signal.getsignal(number) for number in numbers}

    def note(_received: int, _frame: FrameType | None) -> None:
        asked.set()
        for number, handler in before.items():
            signal.signal(number, handler)

    for number in numbers:
        signal.signal(number, note)
    try:
        yield asked.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

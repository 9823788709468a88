"""What a run reports while it works, and how it learns that it should stop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Literal

from reelops.errors import Cancelled


@dataclass(frozen=True)
class Progress:
    """How far a stage is.

    Attributes:
        stage: load, denoise, score, ...
        done, total: in `unit`s.
        unit: steps, frames, clips, ...; empty where there is nothing to count.
        detail: what is worked on, in words.
        figures: numbers worth plotting over time, such as a loss.
    """

    stage: str
    done: float
    total: float
    unit: str = ""
    detail: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class LogMessage:
    """A sentence for the run's log."""

    text: str
    level: Literal["debug", "info", "warning"] = "info"


Event = Progress | LogMessage
ShouldStop = Callable[[], bool]


def _ignore(_: Event) -> None:
    pass


def _never() -> bool:
    return False


@dataclass(frozen=True)
class RunContext:
    """What accompanies a run: who watches it, and whether somebody asked it to stop.

    It is handed down from whoever started the run to the innermost loop. Its events feed the terminal's bar, Prefect's
    log and artifacts, and whatever else wants to know.

    Attributes:
        on_event: told everything; what it raises ends the run.
        should_stop: asked between steps.
    """

    on_event: Callable[[Event], None] = _ignore
    should_stop: ShouldStop = _never

    def progress(
        self, stage: str, done: float, total: float, unit: str = "", detail: str = "", **figures: float
    ) -> None:
        """Reports how far a stage is; see `Progress`."""
        self.on_event(Progress(stage, done, total, unit, detail, figures))

    def log(self, text: str, level: Literal["debug", "info", "warning"] = "info") -> None:
        """Puts a sentence into the run's log."""
        self.on_event(LogMessage(text, level))

    def unwatched(self) -> RunContext:
        """For a part of the run of whose own steps there is nothing to show; it hears when to stop as ever."""
        return RunContext(should_stop=self.should_stop)

    def raise_if_stopped(self, message: str = "Stopped as asked; nothing was written.") -> None:
        """Ends the run here if somebody asked for it.

        Raises:
            Cancelled: somebody did; with `message`, which says what is kept.
        """
        if self.should_stop():
            raise Cancelled(message)


QUIET = RunContext()
"""A run that nobody watches or stops."""


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

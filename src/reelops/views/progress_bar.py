"""How far long work is, on standard error: a bar in a terminal, a line now and then where nobody watches."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from reelops.views.take import err

# Work that is over before needs no bar.
_QUIET_SECONDS = 2.0
_LINE_SECONDS = 10.0


class Watch:
    """Shows one or several pieces of work, one after the other, each with the time left."""

    def __init__(self, bar: Progress, unit: str) -> None:
        self._bar = bar
        self._unit = unit
        self._tasks: dict[str, TaskID] = {}
        self._began: dict[str, tuple[float, float]] = {}
        self._first = self._last_line = time.monotonic()

    def show(self, what: str, done: float, total: float, more: str = "") -> None:
        """How far `what` is; what is done when it is shown first is not counted as its pace.

        Args:
            more: further figures, in words.
        """
        now = time.monotonic()
        if what not in self._tasks:
            self._began[what] = now, done
            self._tasks[what] = self._bar.add_task(escape(what), total=total, completed=int(done), more=more)
        self._bar.update(self._tasks[what], completed=done, total=total, more=more)
        if err.is_terminal and now - self._first > _QUIET_SECONDS and not self._bar.live.is_started:
            self._bar.start()
        elif not err.is_terminal and now - self._last_line >= _LINE_SECONDS:
            self._last_line = now
            began, before = self._began[what]
            left = timedelta(seconds=round((now - began) * (total - done) / max(done - before, 0.1)))
            words = ", ".join(word for word in (f"{done:,.0f} of {total:,.0f} {self._unit}", more) if word)
            err.print(f"{escape(what)}: {words}, about {left} left", soft_wrap=True, highlight=False)


@contextmanager
def watching(unit: str) -> Iterator[Watch]:
    """A watch over so many `unit`s; its bar is gone when the block ends."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f}/{task.total:,.0f}"),
        TextColumn("{task.fields[more]}"),
        TextColumn("left"),
        TimeRemainingColumn(compact=True),
    )
    bar = Progress(*columns, console=err, transient=True, disable=not err.is_terminal)
    try:
        yield Watch(bar, unit)
    finally:
        bar.stop()

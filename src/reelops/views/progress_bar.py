"""How far long work is, on standard error: a bar in a terminal, a line now and then where nobody watches."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from rich import progress as rich_progress
from rich.markup import escape

from reelops.progress import QUIET, Event, LogMessage, Progress, RunContext, ShouldStop
from reelops.system.plain_text import printable
from reelops.views.console import err

STAGES = {
    "load": "Loading the model",
    "encode": "Reading the picture and the prompt",
    "denoise": "Generating",
    "decode": "Decoding frames",
    "draw": "Drawing frames",
    "detail": "Carrying detail",
    "write": "Writing the clip",
    "score": "Scoring",
    "log": "Logging to MLflow",
    "fetch": "Fetching",
    "examine": "Looking at clips",
    "captions": "Encoding captions",
    "clips": "Encoding clips",
    "train": "Training",
    "make": "Making clips",
    "batch": "Making clips",
    "reload": "Loading the adapter by diffusers alone",
    "report": "Making the report",
}
"""What a person reads while a stage works; a stage that is not here is shown by its own name."""

_QUIET_SECONDS = 2.0  # work that is over before needs no bar
_LINE_SECONDS = 10.0
_MIN_SHARE = 0.05  # before so much is done, a guess at the time left is worth nothing
_COLUMNS = (
    rich_progress.SpinnerColumn(),
    rich_progress.TextColumn("{task.description}"),
    rich_progress.BarColumn(),
    rich_progress.TextColumn("{task.fields[words]}"),
    rich_progress.TextColumn("left"),
    rich_progress.TimeRemainingColumn(compact=True),
    rich_progress.TextColumn("elapsed"),
    rich_progress.TimeElapsedColumn(),
)


@contextmanager
def watching(
    title: str = "",
    should_stop: ShouldStop = QUIET.should_stop,
    name: Callable[[Progress], str] | None = None,
    figures: Callable[[Progress], str] = lambda _: "",
    line_at_once: bool = False,
) -> Iterator[RunContext]:
    """A context for a run that somebody waits for; its bar is gone when the block ends, its warnings stay.

    Args:
        title: shown until the run says how far it is; without one nothing is shown for the first two seconds.
        name: what is worked on, in words; by default that of the stage, and its detail.
        figures: more about how far it is, in words.
        line_at_once: where nobody watches, the first event is a line, too.
    """
    with _bar() as bar:
        view = _View(bar, name or _name_of, figures, 0.0 if line_at_once else _LINE_SECONDS)
        if title:
            view.begin(title)
        yield RunContext(view.on_event, should_stop)


@contextmanager
def _bar() -> Iterator[rich_progress.Progress]:
    """Not started yet, as it may not be needed."""
    bar = rich_progress.Progress(*_COLUMNS, console=err, transient=True, disable=not err.is_terminal)
    try:
        yield bar
    finally:
        bar.stop()


class _View:
    """Shows events, one count after another."""

    def __init__(
        self,
        bar: rich_progress.Progress,
        name: Callable[[Progress], str],
        figures: Callable[[Progress], str],
        first_line_after: float,
    ) -> None:
        self._bar, self._name, self._figures = bar, name, figures
        self._task: rich_progress.TaskID | None = None
        self._count: _Count | None = None
        self._first = time.monotonic()
        self._next_line = self._first + first_line_after

    def begin(self, title: str) -> None:
        self._task = self._bar.add_task(escape(printable(title)), total=None, words="")
        self._bar.start()

    def on_event(self, event: Event) -> None:
        if isinstance(event, LogMessage):
            if event.level == "warning":
                err.print(f"[yellow]{escape(event.text)}[/]", soft_wrap=True)
            return
        if self._count is None or not self._count.goes_on_with(event):
            self._count = _Count(event)
            if self._task is not None:
                self._bar.remove_task(self._task)
            self._task = self._bar.add_task("", total=event.total, words="")
        self._count.done = event.done
        words = [word for word in (_how_much(event), self._figures(event)) if word]
        if err.is_terminal:
            self._show_bar(event, ", ".join(words))
        else:
            self._print_line(event, [*words, *self._count.left(event)])

    def _show_bar(self, event: Progress, words: str) -> None:
        assert self._task is not None
        self._bar.update(
            self._task,
            description=escape(printable(self._name(event))),
            completed=event.done,
            total=event.total or None,
            words=escape(printable(words)),
        )
        if time.monotonic() - self._first > _QUIET_SECONDS:
            self._bar.start()

    def _print_line(self, event: Progress, words: list[str]) -> None:
        if time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + _LINE_SECONDS
            err.print(f"{escape(self._name(event))}: {escape(', '.join(words))}", soft_wrap=True)


class _Count:
    """From what is done to the total; what was done at its first event is not counted as its pace."""

    def __init__(self, event: Progress) -> None:
        self.done, self._of = event.done, (event.stage, event.detail, event.total)
        self._before, self._began = event.done, time.monotonic()

    def goes_on_with(self, event: Progress) -> bool:
        *same_work, total = self._of
        return event.done >= self.done and (event.total == total or [event.stage, event.detail] == same_work)

    def left(self, event: Progress) -> Iterator[str]:
        """`about 0:01:30 left`, once enough is done to tell."""
        made = event.done - self._before
        if made > 0 and event.done >= _MIN_SHARE * event.total:
            seconds = (time.monotonic() - self._began) / made * (event.total - event.done)
            yield f"about {timedelta(seconds=round(seconds))} left"


def _name_of(event: Progress) -> str:
    return f"{STAGES.get(event.stage, event.stage)} {event.detail}".rstrip()


def _how_much(event: Progress) -> str:
    if event.unit:
        return f"{event.done:,.0f} of {event.total:,.0f} {event.unit}"
    return f"{event.done / event.total:.0%}" if event.total else ""

"""How a take is shown in a terminal: progress while it is made, a table when it is there."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from reelops.progress import Event, LogMessage

if TYPE_CHECKING:
    from reelops.production.take import Take

STAGES = {
    "load": "Loading the model",
    "encode": "Reading the picture and the prompt",
    "denoise": "Generating",
    "decode": "Decoding frames",
    "draw": "Drawing frames",
    "write": "Writing the clip",
    "score": "Scoring",
    "log": "Logging to MLflow",
    "captions": "Encoding captions",
    "clips": "Encoding clips",
    "make": "Making clips",
    "reload": "Loading the adapter by diffusers alone",
}
COLOURS = {"accept": "green", "review": "yellow", "reject": "red"}
VERDICTS = {"accept": "accepted", "review": "to be reviewed", "reject": "rejected"}

# A pipe has no width, and a folded path cannot be copied.
out = Console(width=None if sys.stdout.isatty() else 240)
err = Console(stderr=True)


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[Event], None]]:
    """A bar on standard error with the stage, its steps and the time left in it; gone when the block ends.

    What it yields shows a run's events; warnings stay on the screen.
    """
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("left"),
        TimeRemainingColumn(compact=True),
        TextColumn("elapsed"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task(title, total=None)
        stage = ""

        def show(step: Event) -> None:
            nonlocal stage, task
            if isinstance(step, LogMessage):
                if step.level == "warning":
                    err.print(f"[yellow]{escape(step.text)}[/]", soft_wrap=True)
                return
            if step.stage != stage:
                stage = step.stage
                bar.remove_task(task)
                task = bar.add_task(STAGES.get(stage, stage), total=step.total)
            bar.update(task, completed=step.done, total=step.total)

        yield show


def show_take(take: Take) -> None:
    """Scores, verdict with every reason, seconds, and where everything is."""
    out.print(_table(take))
    for note in take.notes:
        err.print(f"[yellow]Note:[/] {escape(note)}", soft_wrap=True)
    if take.tracking_failure:
        err.print(f"[yellow]Not tracked:[/] {escape(take.tracking_failure)}", soft_wrap=True)


def _table(take: Take) -> Table:
    decision = take.verdict.decision.value
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    table.add_row("Verdict", f"[{COLOURS[decision]}]{VERDICTS[decision]}[/]")
    for reason in take.verdict.reasons:
        table.add_row("", escape(reason.text))
    for title, value in score_rows(take):
        table.add_row(title, value)
    table.add_row("Seconds", _seconds(take))
    table.add_row("Clip", escape(str(take.clip.path)))
    table.add_row("Contact sheet", escape(str(take.contact_sheet)))
    table.add_row("Details", escape(str(take.sidecar)))
    table.add_row("Lineage", escape(str(take.lineage)))
    if take.tracked:
        table.add_row("MLflow run", take.tracked.run_id)
        table.add_row("", escape(take.tracked.look))
    return table


def score_rows(take: Take) -> list[tuple[str, str]]:
    """Title and value with its unit of each metric, and the camera move."""
    from reelops.metrics.catalogue import METRICS

    rows = [
        (METRICS[name].title, "not measured" if value is None else f"{value:.3g} {METRICS[name].unit}".rstrip())
        for name, value in take.scores.items()
    ]
    move = take.scores.measured_move
    asked = f" (asked: {take.scores.asked_move.words})" if take.scores.asked_move else ""
    return [*rows, ("Camera move", (move.words if move else "not measured") + asked)]


def _seconds(take: Take) -> str:
    parts = ", ".join(f"{stage} {value:.1f}" for stage, value in take.seconds.items())
    return f"{sum(take.seconds.values()):.1f} ({parts})"

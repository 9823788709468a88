"""What became of a batch, in a few lines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape

from reelops.views.console import err, out

if TYPE_CHECKING:
    from reelops.production.batch.run import CheckedBatch
    from reelops.production.batch.summary import BatchSummary

_ENDS = {"done": "made", "rejected": "rejected", "failed": "failed", "waiting": "waiting", "running": "in the making"}


def show_checked(checked: CheckedBatch, folder: Path) -> None:
    """What a batch would be."""
    if checked.problems.count:
        err.print(f"[red]{escape(checked.problems.in_lines())}[/]", soft_wrap=True)
    out.print(f"{checked.usable} of {checked.rows} orders can be made, into {escape(str(folder))}.", soft_wrap=True)


def show_summary(summary: BatchSummary) -> None:
    """Counts, pace, and where the table is."""
    from reelops.production.batch.summary import TABLE

    out.print(f"{summary.jobs} orders: {', '.join(_counted(summary))}.", soft_wrap=True)
    if summary.left_out:
        out.print(f"{summary.left_out} rows were left out, because no clip can be made of them.")
    if summary.untracked:
        err.print(f"[yellow]Note:[/] MLflow did not take {summary.untracked} of the clips.")
    out.print(f"Success rate   {summary.success_rate:.1%}")
    if not summary.made_now:
        out.print("While it ran   nothing was left to make")
    elif summary.seconds:
        pace = 3600 * summary.made_now / summary.seconds
        out.print(f"While it ran   {summary.made_now} clips in {summary.seconds:.0f} s, {pace:.0f} an hour")
    out.print(f"Table          {escape(str(summary.folder / TABLE))}", soft_wrap=True)
    out.print(f"Look at them   reelops score {escape(str(summary.folder))} --html report.html", soft_wrap=True)


def _counted(summary: BatchSummary) -> Iterator[str]:
    for state, number in summary.counts.items():
        if number:
            yield f"{number} {_ENDS[state.value]}"

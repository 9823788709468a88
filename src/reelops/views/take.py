"""How a take is shown in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from reelops.views.console import err, note, out

if TYPE_CHECKING:
    from reelops.production.take import Take

COLOURS = {"accept": "green", "review": "yellow", "reject": "red"}
VERDICTS = {"accept": "accepted", "review": "to be reviewed", "reject": "rejected"}


def show_take(take: Take) -> None:
    """Scores, verdict with every reason, seconds, and where everything is."""
    out.print(_table(take))
    for text in take.notes:
        note(text)
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

"""What is measured and what it is measured with, and what reports say: in short, and beside each other."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table as ShownTable

from reelops.cli.benchmark.measuring import Clips, shown_table, watched
from reelops.errors import REJECTED
from reelops.params import load_config
from reelops.views.console import terminal


def show_list() -> None:
    """Show all benchmarks, their parts, and how long each takes on two free cores."""
    from reelops.benchmark.catalogue import CASES

    for case in CASES.values():
        shown = ShownTable(
            "Part", "What is measured", "Minutes", title=f"reelops benchmark {case.name}", caption=case.measures
        )
        for part in case.parts:
            shown.add_row(part.name, part.measures, str(max(1, round(part.seconds / 60))))
        terminal().print(shown)


def summary() -> None:
    """Write reports/summary.json: what all reports of the project say, in short, and where its artifacts are.

    Example: reelops benchmark summary
    """
    from reelops.benchmark.summary import write_summary

    terminal(stderr=True).print(f"Written to {write_summary(load_config())}.")


def golden(clips: Clips = None) -> None:
    """Measure what OpenCV's Dual TV-L1 says, for `quality` to compare with: some hours.

    It resumes where it was stopped, and measures nothing twice.

    Example: reelops benchmark golden
    """
    from reelops.benchmark.case import Bench
    from reelops.benchmark.cases.flow.golden import GOLDEN_FILE, measure_golden

    console, config = terminal(stderr=True), load_config()
    bench = Bench(config, scratch=config.cache, clips=clips or ())
    with watched() as context:
        measure_golden(bench.files("clips"), bench.files("pictures"), context=context)
    console.print(f"Written to {GOLDEN_FILE}.")


def compare(
    before: Annotated[Path, typer.Argument(help="An earlier report.", metavar="BEFORE")],
    after: Annotated[
        Path | None,
        typer.Argument(help="A later one.", metavar="AFTER", show_default="the report of that benchmark in reports/"),
    ] = None,
    tolerance: Annotated[
        float,
        typer.Option(min=0, max=100, help="Share by which a figure may be worse on the same machine."),
    ] = 0.1,
) -> None:
    """Compare what was asked in two reports, and end with 3 if anything is worse: a target that is no longer met, or on
    the same machine a figure that is worse by more than the tolerance.

    Examples: git show main:reports/quality/benchmark.json > before.json

    reelops benchmark compare before.json
    """
    from reelops.benchmark.baseline import changes_table, compare_reports
    from reelops.benchmark.catalogue import find_case
    from reelops.benchmark.report import open_report

    first = open_report(before)
    second = open_report(after or load_config().root / find_case(first.benchmark).report)
    changes = compare_reports(first, second)
    terminal().print(shown_table(changes_table(changes, tolerance)))
    if any(change.regressed(tolerance) for change in changes):
        raise typer.Exit(REJECTED)

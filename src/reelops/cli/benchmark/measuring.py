"""What all commands that measure share: their options, and measuring itself."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table as ShownTable

from reelops.errors import InputError
from reelops.params import load_config
from reelops.progress import RunContext
from reelops.views.console import terminal
from reelops.views.progress_bar import watching

if TYPE_CHECKING:
    from reelops.benchmark.case import Case
    from reelops.benchmark.report import Report
    from reelops.benchmark.table import Table

Clips = Annotated[
    list[Path] | None, typer.Argument(help="Real clips.", metavar="CLIP...", show_default="those of benchmark.yaml")
]
Parts = Annotated[
    list[str] | None,
    typer.Option(
        "--part",
        "--only",
        help="Measure these parts, and keep the others as they are. `reelops benchmark list` names them.",
        show_default="all",
        metavar="PART,PART",
    ),
]
Out = Annotated[
    Path | None, typer.Option(help="Where the figures go, and beside it a page.", show_default="the benchmark's own")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")]


def measure(
    case: Case, parts: Sequence[str] | None, clips: Sequence[Path] | None, out: Path | None, as_json: bool
) -> Report:
    """Measures, keeps report and page as each part is done, and shows the figures."""
    from reelops.benchmark.page import all_tables
    from reelops.benchmark.runner import measure_and_keep

    console, config = terminal(stderr=True), load_config()
    case = replace(case, report=out) if out else case
    names = [name.strip() for given in parts or () for name in given.split(",") if name.strip()]
    place = config.root / case.report
    page = place.with_suffix(".md")
    if out and (page == place or (page.exists() and not place.exists())):
        raise InputError(f"{page} would be replaced by the report's page; name another .json file with --out.")
    with watched() as context:
        report = measure_and_keep(case, config, names, clips or (), context)
    for table in all_tables(case, report):
        console.print(shown_table(table))
    for sentence in report.differences():
        console.print(f"[yellow]{escape(sentence)}[/]", soft_wrap=True)
    page = case.report.with_suffix(".md")
    console.print(f"Written to {escape(str(case.report))}, and for people to {escape(str(page))}.", soft_wrap=True)
    if as_json:
        typer.echo(report.to_text(), nl=False)
    return report


def shown_table(table: Table) -> ShownTable:
    """A table for a terminal."""
    shown = ShownTable(*table.columns, title=table.title, title_justify="left", caption=table.note)
    for row in table.rows:
        shown.add_row(*row)
    return shown


def watched() -> AbstractContextManager[RunContext]:
    """The progress bar of a measurement."""
    return watching(name=lambda now: f"Measuring {now.detail or now.stage}")

"""`reelops fetch`: bring the clips that params.yaml names."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from reelops.dataset.entry import Lost
from reelops.dataset.fetch.report import FetchResult, Preview, SourceReport
from reelops.dataset.fetch.stage import RAW, STOPPED, FetchPlan, forget_gone, plan_fetch, preview_fetch, run_fetch
from reelops.dataset.params import DatasetParams
from reelops.dataset.records import LOST_NAME
from reelops.errors import FAILED, Cancelled
from reelops.params import load_config
from reelops.progress import Progress
from reelops.system.files import write_text_atomically
from reelops.system.plain_text import printable
from reelops.views.console import err, note, out
from reelops.views.progress_bar import watching

METRICS = Path("reports/fetch/metrics.json")
_MOST_REASONS = 8


def register(app: typer.Typer) -> None:
    app.command()(fetch)


def fetch(
    sources: Annotated[
        list[str] | None,
        typer.Argument(help="Names of sources.", metavar="[SOURCE]...", show_default="all in params.yaml"),
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Ask nobody; what is here counts.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Read the lists of clips and say what would be fetched, from where.")
    ] = False,
    forget: Annotated[
        bool, typer.Option("--forget-gone", help="Ask again for what was found gone for good (404, 410).")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with every lost clip.")] = False,
) -> None:
    """Bring the clips that params.yaml names into data/raw/, each whole or not at all.

    It resumes where it stopped: stop it with Ctrl-C whenever you like and run it again. What cannot be had is named
    in data/raw/<source>/lost.jsonl. A source that fails as a whole does not stop the others. Exit code 1: a source
    gave nothing at all, or failed; 2: one failed over something in params.yaml that you can mend.

    Examples: reelops fetch    |    reelops fetch --check    |    reelops fetch msr_vtt --offline
    """
    config = load_config()
    plan = plan_fetch(config.block("dataset", DatasetParams), config.root, sources or (), offline)
    if forget:
        err.print(f"{forget_gone(config.root)} addresses that were gone may be asked again.")
    if check:
        previews = preview_fetch(plan)
        _show_previews(previews, as_json)
        _end_if_failed([preview.report for preview in previews])
        return
    result = _run(plan)
    if not sources:
        figures = {report.name: report.figures | _troubles(report) for report in result.sources}
        write_text_atomically(config.root / METRICS, json.dumps(figures, indent=2) + "\n")
    if as_json:
        typer.echo(json.dumps([_facts(report) for report in result.sources], indent=2, ensure_ascii=False))
    else:
        _show(result.sources, config.root)
    if result.known_gone:
        known = f"{result.known_gone:,} addresses are known to be gone, the first since {result.gone_since}"
        err.print(f"{known}, and were not asked; --forget-gone asks again.", soft_wrap=True)
    _end_if_failed(result.sources)
    if any(report.wanted and not report.here + report.fetched for report in result.sources):
        raise typer.Exit(FAILED)


def _run(plan: FetchPlan) -> FetchResult:
    with watching(figures=_received) as context:
        try:
            return run_fetch(plan, context)
        except KeyboardInterrupt:
            err.print(STOPPED)
            raise SystemExit(Cancelled.exit_code) from None


def _received(now: Progress) -> str:
    return f"{_megabytes(now.figures['received_bytes'])} received"


def _end_if_failed(reports: Sequence[SourceReport]) -> None:
    """Names the sources that failed as a whole, and ends the command if there are any."""
    codes = [report.failure.exit_code for report in reports if report.failure]
    for report in reports:
        if report.failure:
            err.print(f"[red]Failed:[/] {report.name}: {escape(str(report.failure))}", soft_wrap=True)
    if codes:
        raise typer.Exit(max(codes))


def _facts(report: SourceReport) -> dict[str, Any]:
    return {
        "source": report.name,
        "listed": report.listed,
        "wanted": report.wanted,
        "here_before": report.here,
        "fetched": report.fetched,
        "size_bytes": report.size_bytes,
        "received_bytes": report.received_bytes,
        "seconds": round(report.seconds, 3),
        "lost": [{"clip_id": one.entry.clip_id, "reasons": list(one.reasons)} for one in report.lost],
        "notes": list(report.notes),
        "failure": str(report.failure) if report.failure else None,
    }


def _show(reports: Sequence[SourceReport], root: Path) -> None:
    table = Table(box=SIMPLE_HEAD)
    table.add_column("Source")
    for title in ("Wanted", "Here before", "Fetched", "Lost", "On disk", "Received", "Seconds"):
        table.add_column(title, justify="right")
    for report in reports:
        counts = (report.wanted, report.here, report.fetched, len(report.lost))
        sizes = (_megabytes(report.size_bytes), _megabytes(report.received_bytes), f"{report.seconds:.1f}")
        table.add_row(report.name, *(f"{count:,}" for count in counts), *sizes)
    out.print(table)
    for report in reports:
        for text in report.notes:
            note(text)
        for reason, count in list(_reasons(report.lost).items())[:_MOST_REASONS]:
            err.print(f"[red]Lost:[/] {report.name}, {count:,} clips: {escape(reason)}", soft_wrap=True)
        if report.lost:
            path = root / RAW / report.name / LOST_NAME
            err.print(f"Every lost clip of {report.name} with its reasons: {escape(str(path))}", soft_wrap=True)


def _show_previews(previews: Sequence[Preview], as_json: bool) -> None:
    facts: list[dict[str, Any]] = [
        {"source": report.name, "listed": report.listed, "wanted": report.wanted, "here": report.here}
        | {"to_fetch": len(report.lost), "from": list(preview.shelves), "notes": list(report.notes)}
        | {"failure": str(report.failure) if report.failure else None}
        for preview in previews
        for report in [preview.report]
    ]
    if as_json:
        typer.echo(json.dumps(facts, indent=2, ensure_ascii=False))
        return
    for one in facts:
        typer.echo(
            f"{one['source']}: {one['listed']:,} clips listed, {one['wanted']:,} wanted, {one['here']:,} here, "
            f"{one['to_fetch']:,} to fetch."
        )
        for number, place in enumerate(one["from"], start=1):
            typer.echo(printable(f"  {number}. {place}"))
        for text in one["notes"]:
            note(text)


def _troubles(report: SourceReport) -> dict[str, Any]:
    failure = {"failure": str(report.failure)} if report.failure else {}
    return {"reasons": _reasons(report.lost), **failure}


def _reasons(lost: Sequence[Lost]) -> dict[str, int]:
    """How many clips were lost for each kind of reason; addresses and names of single clips are left out."""
    kinds = Counter(_kind(one) for one in lost)
    return dict(sorted(kinds.items(), key=lambda item: (-item[1], item[0])))


def _kind(lost: Lost) -> str:
    said = "; ".join(lost.reasons) or "no place has it"
    for name in (lost.entry.clip_id, lost.entry.video_id):
        said = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", "...", said)
    return said


def _megabytes(size_bytes: float) -> str:
    return f"{size_bytes / 1e6:,.1f} MB"

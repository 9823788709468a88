"""`reelops metadata`: from the clips that were fetched to the table that models are trained on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from reelops.dataset.metadata.outputs import FOLDER, metrics, write_outputs
from reelops.dataset.metadata.stage import Prepared, Preparing, Shard
from reelops.dataset.table import CLIPS, QUARANTINE
from reelops.errors import Cancelled
from reelops.params import load_config
from reelops.views.progress_bar import watching
from reelops.views.take import err, out


def register(app: typer.Typer) -> None:
    app.command()(metadata)


def metadata(
    workers: Annotated[
        int | None, typer.Option("--workers", "-j", help="Processes.", min=1, show_default="one a core")
    ] = None,
    shard: Annotated[
        str | None,
        typer.Option(
            help="Only look at a part of the clips, such as 2/8; the whole run finds them known.", metavar="N/OF"
        ),
    ] = None,
    data_docs: Annotated[
        bool, typer.Option("--data-docs/--no-data-docs", help="Check the table with Great Expectations, too.")
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Check the fetched clips, choose their windows, split them, and write data/metadata/.

    What has been looked at is not looked at again: stop it with Ctrl-C whenever you like and run it again. Clips that
    cannot be learnt from go to data/metadata/quarantine.parquet with a reason; reports/data/index.html shows them all.
    Exit code 2: more were thrown out than params.yaml allows.

    Examples: reelops metadata    |    reelops metadata --shard 1/4    |    reelops metadata --no-data-docs --json
    """
    config = load_config()
    with watching("clips") as watch:
        run = Preparing.of(
            config, workers=workers, on_progress=lambda now: watch.show("Looking at clips", now.done, now.total)
        )
        try:
            looked_at = run.examine(Shard.parse(shard)) if shard else None
            prepared = None if shard else run.run()
        except KeyboardInterrupt:
            err.print("Stopped. What was looked at is kept, and the next run goes on from there.")
            raise SystemExit(Cancelled.exit_code) from None
    if looked_at:
        typer.echo(f"Shard {shard}: {looked_at.total:,} clips looked at, {looked_at.known:,} of them known before.")
    if prepared is None:
        return
    notes: Sequence[str] = []
    try:
        with err.status("Writing reports"):
            notes = write_outputs(prepared, run.params, config.root, data_docs)
    finally:
        if as_json:
            typer.echo(json.dumps(metrics(prepared) | {"seconds": round(prepared.seconds, 2)}, indent=2))
        else:
            show(prepared)
        for note in notes:
            err.print(f"[yellow]Note:[/] {note}", soft_wrap=True, highlight=False)


def show(prepared: Prepared) -> None:
    """How many clips there are for what, and how many were thrown out why."""
    table = Table("Clips", "", box=SIMPLE_HEAD)
    table.columns[1].justify = "right"
    for split, count in prepared.splits.items():
        table.add_row(split, f"{count:,}")
    for reason, count in prepared.reasons.items():
        table.add_row(f"[dim]thrown out: {reason.replace('_', ' ')}[/]", f"[dim]{count:,}[/]")
    if lost := sum(prepared.lost.values()):
        table.add_row("[dim]never came, see reelops fetch[/]", f"[dim]{lost:,}[/]")
    out.print(table)
    known = prepared.total - prepared.examined
    looked = f"{prepared.examined:,} clips looked at in {prepared.seconds:.1f} s, {known:,} known before"
    err.print(f"{looked}. Written: {CLIPS}, {QUARANTINE}, {FOLDER / 'index.html'}", soft_wrap=True, highlight=False)

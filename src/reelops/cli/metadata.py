"""`reelops metadata`: from the clips that were fetched to the table that models are trained on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated

import typer

from reelops.dataset.metadata.examination import STOPPED, Shard
from reelops.dataset.metadata.outputs import metrics, write_outputs
from reelops.dataset.metadata.stage import plan_metadata, run_metadata, run_shard
from reelops.errors import Cancelled
from reelops.params import load_config
from reelops.progress import RunContext
from reelops.views.console import err, note
from reelops.views.metadata import show_metadata
from reelops.views.progress_bar import watching


def register(app: typer.Typer) -> None:
    app.command()(metadata)


def metadata(
    workers: Annotated[
        int | None, typer.Option("--workers", "-j", help="Processes.", min=1, max=1024, show_default="one per core")
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
    Exit code 2: more are quarantined than params.yaml allows.

    Examples: reelops metadata    |    reelops metadata --shard 1/4    |    reelops metadata --no-data-docs --json
    """
    plan = plan_metadata(load_config(), workers)
    if shard:
        with _watched() as context:
            looked_at = run_shard(plan, Shard.parse(shard), context)
        typer.echo(f"Shard {shard}: {looked_at.total:,} clips looked at, {looked_at.known:,} of them known before.")
        return
    with _watched() as context:
        result = run_metadata(plan, context)
    notes: Sequence[str] = []
    try:
        with err.status("Writing reports"):
            notes = write_outputs(result, plan.params, plan.root, data_docs)
    finally:
        if as_json:
            typer.echo(json.dumps(metrics(result) | {"seconds": round(result.seconds, 2)}, indent=2))
        else:
            show_metadata(result)
        for text in notes:
            note(text)


@contextmanager
def _watched() -> Iterator[RunContext]:
    with watching() as context:
        try:
            yield context
        except KeyboardInterrupt:
            err.print(STOPPED)
            raise SystemExit(Cancelled.exit_code) from None

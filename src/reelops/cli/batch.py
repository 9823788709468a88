"""`reelops batch`: the orders of a file become clips, and a run that was stopped or killed goes on where it was."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from reelops.cli.worker_options import AtOnce, Track
from reelops.errors import InputError
from reelops.params import Config, load_config
from reelops.progress import signals_awaited
from reelops.views.progress_bar import watching

MOST_RETRIES = 20


def register(app: typer.Typer) -> None:
    app.command()(batch)


def batch(
    jobs: Annotated[Path, typer.Argument(help="Orders: .json, .jsonl, .csv, .tsv or .parquet.", show_default=False)],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="The folder for all clips.", show_default="named after the file, in outputs/"
        ),
    ] = None,
    retries: Annotated[
        int, typer.Option(help="Further tries of a rejected clip, each with a new seed.", min=0, max=MOST_RETRIES)
    ] = 1,
    at_once: AtOnce = None,
    leave_out: Annotated[
        bool, typer.Option("--leave-out-bad", help="Make the others where rows cannot be made.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check every row, and make nothing.")] = False,
    track: Track = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object.")] = False,
) -> None:
    """Turn the orders of a file into clips, each scored, judged and logged.

    A row has the fields of `reelops generate`: picture and prompt, and profile, seed, steps, adapter and all others.
    `output` names a row's clip. Every row is checked before the first clip is made. Run the same command again after
    whatever ended it: what is done stays, what was in the making is made, and what failed is tried again.

    In the folder stand the clips, batch-table.csv with a row per order, and batch-summary.json.

    Exit codes: 0 every order has a clip, 1 one failed, 2 a row cannot be made, 3 a clip was rejected to the last try.

    Example: reelops batch batch_jobs.json -o clips/
    """
    config = load_config()
    folder = (output or Path("outputs") / jobs.stem).absolute()
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file, and the clips of a batch go into a folder; name another one.")
    raise typer.Exit(_run(jobs, folder, config, (retries, at_once, track), leave_out, dry_run, as_json))


def _run(
    jobs: Path,
    folder: Path,
    config: Config,
    how: tuple[int, int | None, bool],
    leave_out: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    from reelops.production.batch.lanes import BatchSettings, default_lanes
    from reelops.production.batch.run import check_batch, open_batch, run_batch
    from reelops.production.producer import build_producer
    from reelops.views.batch import show_checked, show_summary

    retries, at_once, track = how
    settings = BatchSettings(retries=retries, track=track, lanes=at_once or default_lanes())
    producer = build_producer(config)
    with watching("Checking the orders"):
        checked = check_batch(jobs, producer)
    if dry_run:
        if as_json:
            _print_json(checked.to_json())
        else:
            show_checked(checked, folder)
        return checked.exit_code
    checked.require_usable(leave_out)
    began = time.perf_counter()
    with (
        open_batch(checked, folder, config.ledger_uri, settings) as ledger,
        signals_awaited(signal.SIGINT) as should_stop,
        watching(should_stop=should_stop) as context,
    ):
        summary = run_batch(producer, ledger, folder, settings, checked, context, began)
    if as_json:
        _print_json(summary.to_json())
    else:
        show_summary(summary)
    return summary.exit_code


def _print_json(content: Mapping[str, Any]) -> None:
    typer.echo(json.dumps(content, indent=2, ensure_ascii=False))

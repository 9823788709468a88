"""The orders of a file become clips; what was done when a run ended, however it did, is not done again.

Alone, with an embedded server:  python -m flows generate-batch batch_jobs.json clips/
On several machines:             prefect deploy --all; prefect worker start --pool gpu --limit 1    on each of them
                                 python -m flows generate-batch batch_jobs.json clips/ --workers 2 \
                                     --deployment work-on-batch/work-on-batch

The machines share the folder of the clips, the pictures, and the ledger of jobs (REELOPS_LEDGER_URI); each has a home
of its own. Who makes which clip is settled in the ledger, and what a machine had that is gone is made by another one.
`reelops batch` does the same without Prefect.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

from prefect import flow
from prefect.states import Completed
from pydantic import Field

from reelops.cli.parameter_options import takes_parameters_of
from reelops.params import load_config
from reelops.production.batch.lanes import BatchSettings, default_lanes
from reelops.production.batch.run import check_batch, open_batch
from reelops.production.batch.summary import BatchSummary, clips_of
from reelops.production.producer import build_producer
from reelops.views.batch import show_summary
from reelops.views.progress_bar import watching
from tasks.batch import await_clips, make_clips, order_work, show_batch, sum_up
from tasks.generation import watched_by
from tasks.quiet import quieten
from tasks.server import require_server
from tasks.stopping import sigterm_noted


@flow(name="generate-batch", flow_run_name="{jobs}", retries=0)
def generate_batch(
    jobs: str,
    output: str,
    retries: Annotated[int, Field(ge=0, le=20)] = 1,
    at_once: Annotated[int, Field(ge=0, le=64)] = 0,
    deployment: Annotated[str | None, Field(pattern=r"^[^/]+/[^/]+$")] = None,
    workers: Annotated[int, Field(ge=1, le=1000)] = 1,
    leave_out_bad: bool = False,
    track: bool = True,
) -> BatchSummary:
    """Turn the orders of a file into clips, here or on the workers of a pool.

    Args:
        jobs: the file of orders, .json, .jsonl, .csv, .tsv or .parquet.
        output: the folder for all clips.
        retries: further tries of a rejected clip, each with a new seed.
        at_once: clips in the making in a process; 0 takes one per core, 4 at most.
        deployment: flow and name of the deployment that works on a batch in its pool; None makes all clips here.
        workers: how many runs of that deployment.
        leave_out_bad: make the others where rows cannot be made.
        track: log each clip to MLflow.
    """
    config = load_config()
    folder = Path(output).absolute()
    settings = _settings(retries, at_once, track)
    checked = check_batch(Path(jobs), build_producer(config))
    checked.require_usable(leave_out_bad)
    began = time.perf_counter()
    with sigterm_noted(), open_batch(checked, folder, config.ledger_uri, settings) as ledger:
        clips_before = clips_of(ledger, folder)
        if deployment:
            how = {"output": str(folder), "retries": retries, "at_once": at_once, "track": track}
            await_clips(ledger.uri, folder, [order_work(number + 1, deployment, how) for number in range(workers)])
        else:
            make_clips(folder, settings, config)
        summary = sum_up(ledger.uri, folder, checked, time.perf_counter() - began, clips_before)
    show_batch(summary)
    return _finished(summary)


@flow(name="work-on-batch", flow_run_name="{output}", retries=0)
def work_on_batch(
    output: str,
    retries: Annotated[int, Field(ge=0, le=20)] = 1,
    at_once: Annotated[int, Field(ge=0, le=64)] = 0,
    track: bool = True,
) -> None:
    """Make clips of a batch that is in the ledger, until all of them have ended.

    Args:
        output: the folder of its clips.
        retries: further tries of a rejected clip.
        at_once: clips in the making; 0 takes one per core, 4 at most.
        track: log each clip to MLflow.
    """
    config = load_config()
    with sigterm_noted():
        make_clips(Path(output), _settings(retries, at_once, track), config)


def _settings(retries: int, at_once: int, track: bool) -> BatchSettings:
    return BatchSettings(retries=retries, track=track, lanes=at_once or default_lanes())


def _finished(summary: BatchSummary) -> Any:
    """A completed state that says what became of the orders, so that a list of runs shows it."""
    found = ", ".join(f"{number} {state.value}" for state, number in summary.counts.items() if number)
    name = "Completed" if summary.exit_code == 0 else "Incomplete"
    return Completed(name=name, message=found, data=summary)


@takes_parameters_of(generate_batch.fn)
def command(**parameters: Any) -> int:
    """Turn the orders of a file into clips, as a run of the flow generate-batch. Exit codes are those of reelops batch.

    Example: python -m flows generate-batch batch_jobs.json clips/
    """
    quieten()
    require_server()
    with watching("Starting Prefect") as context, watched_by(context.on_event):
        summary: BatchSummary = generate_batch(**parameters)
    show_summary(summary)
    return summary.exit_code

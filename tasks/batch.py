"""Making a batch as tasks: in this process, or by runs of a deployment, whose ends are read in the ledger.

A clip is no task of its own: the ledger keeps what tasks would, outlives a server, and a batch of thousands is no load
for one.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect import get_run_logger, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.deployments import run_deployment
from prefect.runtime import flow_run

from reelops.errors import InputError, MachineError
from reelops.params import Config
from reelops.production.batch.lanes import BatchSettings, left, name_of_batch, work
from reelops.production.batch.run import CheckedBatch
from reelops.production.batch.summary import TABLE, BatchSummary, summarise, write_summary
from reelops.production.jobs.ledger import Ledger
from reelops.production.producer import build_producer
from reelops.progress import Event, LogMessage, Progress, RunContext
from reelops.shown_address import shown
from reelops.system.plain_text import spelt_out
from tasks.failure import retry_if_it_may_pass
from tasks.generation import watcher
from tasks.stopping import is_asked_to_stop, raise_if_terminated

ARTIFACT_KEY = "batch"
_DAY = 24 * 3600
_POLL_SECONDS = 2.0


@task(timeout_seconds=30 * _DAY, cache_policy=NO_CACHE)
def make_clips(folder: Path, settings: BatchSettings, config: Config) -> None:
    """Makes the clips that wait in the ledger, until all of them have ended.

    Raises:
        InputError: the ledger knows no such batch.
    """
    logger, watch, ended = get_run_logger(), watcher(), -1.0

    def on_event(event: Event) -> None:
        nonlocal ended
        raise_if_terminated()
        if isinstance(event, LogMessage):
            getattr(logger, event.level)(event.text)
        elif isinstance(event, Progress) and event.done != ended:
            ended = event.done
            logger.info("%d of %d clips have ended", event.done, event.total)
        if watch:
            watch(event)

    with closing(Ledger(config.ledger_uri)) as ledger:
        if not sum(ledger.counts(name_of_batch(folder)).values()):
            raise InputError(
                f"The ledger of jobs {shown(ledger.uri)} has no batch {folder}. Set REELOPS_LEDGER_URI to the ledger "
                "of whoever ordered it."
            )
        work(build_producer(config), ledger, folder, settings, RunContext(on_event, is_asked_to_stop))


@task(
    task_run_name="order_work {number}",
    retries=2,
    retry_delay_seconds=[5, 30],
    retry_condition_fn=retry_if_it_may_pass,
    timeout_seconds=300,
    cache_policy=NO_CACHE,
)
def order_work(number: int, deployment: str, parameters: Mapping[str, Any]) -> UUID:
    """A run in the deployment's work pool, one however often it is ordered; the run's id."""
    run = run_deployment(
        deployment,
        parameters=dict(parameters),
        timeout=0,
        idempotency_key=f"{flow_run.id}.{flow_run.run_count}.{number}",
    )
    return run.id


@task(
    retries=10,
    retry_delay_seconds=10,
    retry_condition_fn=retry_if_it_may_pass,
    timeout_seconds=30 * _DAY,
    cache_policy=NO_CACHE,
)
def await_clips(ledger_uri: str, folder: Path, runs: Sequence[UUID]) -> None:
    """Waits until all jobs have ended, as the ledger has it; a server may believe that a killed run still runs.

    Raises:
        MachineError: all runs have ended, and jobs are left.
    """
    ledger, batch, watch = Ledger(ledger_uri), name_of_batch(folder), watcher()
    with closing(ledger), get_client(sync_client=True) as client:
        while True:
            raise_if_terminated()
            ledger.recover(batch)
            counts = ledger.counts(batch)
            if watch:
                total = sum(counts.values())
                watch(Progress("batch", total - left(counts), total, "clips"))
            if not left(counts):
                return
            states = [client.read_flow_run(run).state for run in runs]
            if all(state is not None and state.is_final() for state in states):
                raise MachineError(
                    f"All runs of the deployment have ended, and {left(counts)} clips of {folder} are not made. See "
                    "why in the runs, and order the batch again: it goes on where it is."
                )
            time.sleep(_POLL_SECONDS)


@task(timeout_seconds=3600, cache_policy=NO_CACHE)
def sum_up(ledger_uri: str, folder: Path, checked: CheckedBatch, seconds: float, clips_before: int) -> BatchSummary:
    """The summary and the table, in the folder of the clips."""
    with closing(Ledger(ledger_uri)) as ledger:
        summary = summarise(ledger, folder, seconds, clips_before, checked.problems)
        write_summary(ledger, summary, checked.problems)
    return summary


@task(timeout_seconds=120, cache_policy=NO_CACHE)
def show_batch(summary: BatchSummary) -> None:
    rows: list[dict[str, str | int]] = [
        {"jobs": count, "state": state.value} for state, count in summary.counts.items()
    ]
    words = f"{summary.success_rate:.1%} of {summary.jobs} orders have a clip; see {summary.folder / TABLE}"
    create_table_artifact(rows, key=ARTIFACT_KEY, description=spelt_out(words))

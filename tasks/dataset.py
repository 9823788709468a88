"""Preparing clips as tasks: shards here or on other machines, then the tables in one go."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from prefect import get_run_logger, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.deployments import run_deployment
from prefect.runtime import flow_run

from reelops.errors import MachineError
from reelops.params import Config
from reelops.progress import Event, Progress, RunContext
from reelops.system.plain_text import spelt_out
from tasks.failure import retry_if_it_may_pass
from tasks.stopping import raise_if_terminated

if TYPE_CHECKING:
    from reelops.dataset.metadata.stage import MetadataResult, ShardResult

ARTIFACT_KEY = "prepared-clips"
_HOURS = 3600
_POLL_SECONDS = 2.0


@task(
    task_run_name="look_at_shard {shard}",
    retries=2,
    retry_delay_seconds=[5, 30],
    retry_condition_fn=retry_if_it_may_pass,
    timeout_seconds=12 * _HOURS,
    cache_policy=NO_CACHE,
)
def look_at_shard(shard: str, workers: int | None, config: Config) -> ShardResult:
    """What an earlier try has looked at is known, not looked at again."""
    from reelops.dataset.metadata.examination import Shard
    from reelops.dataset.metadata.stage import plan_metadata, run_shard

    logger = get_run_logger()

    def on_event(event: Event) -> None:
        raise_if_terminated()
        if isinstance(event, Progress):
            logger.debug("shard %s: %d of %d clips", shard, event.done, event.total)

    looked_at = run_shard(plan_metadata(config, workers), Shard.parse(shard), RunContext(on_event))
    logger.info("shard %s: %d clips, %d of them known before", shard, looked_at.total, looked_at.known)
    return looked_at


@task(
    task_run_name="order_shard {shard}",
    retries=2,
    retry_delay_seconds=[5, 30],
    retry_condition_fn=retry_if_it_may_pass,
    timeout_seconds=300,
    cache_policy=NO_CACHE,
)
def order_shard(shard: str, deployment: str) -> UUID:
    """A shard as a run of its own in the deployment's work pool, one however often it is ordered; the run's id."""
    run = run_deployment(
        deployment,
        parameters={"shard": shard},
        flow_run_name=f"shard {shard}",
        timeout=0,
        idempotency_key=f"{flow_run.id}.{flow_run.run_count}.{shard}",
    )
    return run.id


@task(
    retries=10,
    retry_delay_seconds=30,
    retry_condition_fn=retry_if_it_may_pass,
    timeout_seconds=24 * _HOURS,
    cache_policy=NO_CACHE,
)
def await_shards(runs: Sequence[UUID]) -> None:
    """Waits until all have ended.

    Raises:
        MachineError: one has not ended well.
    """
    waiting = list(runs)
    with get_client(sync_client=True) as client:
        while waiting:
            run = client.read_flow_run(waiting[0])
            if run.state and run.state.is_completed():
                waiting.pop(0)
            elif run.state and run.state.is_final():
                raise MachineError(f"{run.name} was not looked at ({run.state.name}); see the flow run {run.id}.")
            else:
                raise_if_terminated()
                time.sleep(_POLL_SECONDS)


@task(
    retries=2,
    retry_delay_seconds=[5, 30],
    retry_condition_fn=retry_if_it_may_pass,
    timeout_seconds=6 * _HOURS,
    cache_policy=NO_CACHE,
)
def write_tables(config: Config) -> MetadataResult:
    """The tables of all clips; what no shard has looked at is looked at here."""
    from reelops.dataset.metadata.stage import plan_metadata, run_metadata

    return run_metadata(plan_metadata(config), RunContext(lambda _: raise_if_terminated()))


@task(timeout_seconds=_HOURS, cache_policy=NO_CACHE)
def write_reports(result: MetadataResult, config: Config, data_docs: bool) -> list[str]:
    """Warnings for the user."""
    from reelops.dataset.metadata.outputs import write_outputs
    from reelops.dataset.metadata.params import load_metadata_params

    return write_outputs(result, load_metadata_params(config), config.root, data_docs)


@task(timeout_seconds=120, cache_policy=NO_CACHE)
def show_prepared(result: MetadataResult, page: Path) -> None:
    rows: list[dict[str, str | int]] = [{"clips": count, "what": split} for split, count in result.splits.items()]
    rows += [{"clips": count, "what": f"quarantined: {reason}"} for reason, count in result.reasons.items()]
    words = spelt_out(f"{len(result.rows)} clips to learn from; see {page}")
    create_table_artifact(rows, key=ARTIFACT_KEY, description=words)

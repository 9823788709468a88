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

from reelops.errors import MachineError
from reelops.params import Config
from tasks.failure import retry_if_it_may_pass
from tasks.stopping import heed_sigterm

if TYPE_CHECKING:
    from reelops.dataset.metadata.stage import ExamineProgress, Prepared

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
def look_at_shard(shard: str, workers: int | None, config: Config) -> ExamineProgress:
    """What an earlier try has looked at is known, not looked at again."""
    from reelops.dataset.metadata.stage import Preparing, Shard

    logger = get_run_logger()

    def tell(now: ExamineProgress) -> None:
        heed_sigterm()
        logger.debug("shard %s: %d of %d clips", shard, now.done, now.total)

    looked_at = Preparing.of(config, workers=workers, on_progress=tell).examine(Shard.parse(shard))
    logger.info("shard %s: %d clips, %d of them known before", shard, looked_at.total, looked_at.known)
    return looked_at


@task(task_run_name="order_shard {shard}", timeout_seconds=300, cache_policy=NO_CACHE)
def order_shard(shard: str, deployment: str) -> UUID:
    """A shard as a run of its own in the deployment's work pool; the run's id."""
    run = run_deployment(deployment, parameters={"shard": shard}, flow_run_name=f"shard {shard}", timeout=0)
    return run.id


@task(timeout_seconds=24 * _HOURS, cache_policy=NO_CACHE)
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
                heed_sigterm()
                time.sleep(_POLL_SECONDS)


@task(
    retries=2,
    retry_delay_seconds=[5, 30],
    retry_condition_fn=retry_if_it_may_pass,
    timeout_seconds=6 * _HOURS,
    cache_policy=NO_CACHE,
)
def write_tables(config: Config) -> Prepared:
    """The tables of all clips; what no shard has looked at is looked at here."""
    from reelops.dataset.metadata.stage import Preparing

    return Preparing.of(config, on_progress=lambda _: heed_sigterm()).run()


@task(timeout_seconds=_HOURS, cache_policy=NO_CACHE)
def write_reports(prepared: Prepared, config: Config, data_docs: bool) -> list[str]:
    """What the user should be told aloud."""
    from reelops.dataset.metadata.outputs import write_outputs
    from reelops.dataset.metadata.params import load_metadata_params

    return write_outputs(prepared, load_metadata_params(config), config.root, data_docs)


@task(timeout_seconds=120, cache_policy=NO_CACHE)
def show_prepared(prepared: Prepared, page: Path) -> None:
    rows: list[dict[str, str | int]] = [{"clips": count, "what": split} for split, count in prepared.splits.items()]
    rows += [{"clips": count, "what": f"thrown out: {reason}"} for reason, count in prepared.reasons.items()]
    create_table_artifact(rows, key=ARTIFACT_KEY, description=f"{len(prepared.rows)} clips to learn from; see {page}")

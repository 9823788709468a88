"""Scoring many clips as tasks. A batch is retried, as its disk may be busy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from prefect import get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from reelops.params import Config
from reelops.progress import Event, Progress, RunContext
from reelops.system.plain_text import spelt_out
from reelops.tracking.runs import RunRecord, TrackedRun, log_run
from tasks.failure import retry_if_it_may_pass
from tasks.stopping import raise_if_terminated

if TYPE_CHECKING:
    from reelops.scoring.batch import ScoringOrder
    from reelops.scoring.outputs import Outputs
    from reelops.scoring.scored_clip import ScoredClip

ARTIFACT_KEY = "scored-clips"


@task(
    task_run_name="score_batch {number}",
    retries=2,
    retry_delay_seconds=[5, 30],
    retry_condition_fn=retry_if_it_may_pass,
    timeout_seconds=6 * 3600,
    cache_policy=NO_CACHE,
)
def score_batch(number: int, clips: Sequence[Path], order: ScoringOrder) -> list[ScoredClip]:
    """One batch in one process; what an earlier try has scored is read, not scored again."""
    from reelops.scoring.batch import score_clips

    logger = get_run_logger()

    def on_event(event: Event) -> None:
        raise_if_terminated()
        if isinstance(event, Progress):
            logger.debug("batch %d: %d of %d clips", number, event.figures["clips"], len(clips))

    scored = score_clips(clips, order, workers=1, context=RunContext(on_event))
    for clip in scored:
        logger.info("%s: %s", clip.path.name, clip.answer)
    return scored


@task(timeout_seconds=3 * 3600, cache_policy=NO_CACHE)
def write_outputs(clips: Sequence[ScoredClip], outputs: Outputs) -> list[str]:
    """Warnings for the user."""
    _, notes = outputs.write(clips)
    return notes


@task(
    retries=2,
    retry_delay_seconds=[2, 10],
    retry_condition_fn=retry_if_it_may_pass,
    timeout_seconds=900,
    cache_policy=NO_CACHE,
)
def log_scores(record: RunRecord, config: Config) -> TrackedRun:
    """The record is made before, so that a second try knows what the first has written."""
    return log_run(record, config.mlflow_tracking_uri)


@task(timeout_seconds=120, cache_policy=NO_CACHE)
def show_scores(clips: Sequence[ScoredClip], tracked: TrackedRun | None) -> None:
    from reelops.scoring.run_record import markdown

    create_markdown_artifact(
        spelt_out(markdown(clips, tracked)), key=ARTIFACT_KEY, description=f"Scores of {len(clips)} clips"
    )

"""Clips are scored in batches, judged, shown in one report and kept in one MLflow run.

Alone, with an embedded server:  python -m flows score-clips clips/ --html report.html
As a deployment:                 prefect deploy --all; prefect worker start --pool gpu
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from prefect import flow, get_run_logger
from prefect.states import Completed
from prefect.task_runners import ThreadPoolTaskRunner
from pydantic import Field

from reelops.cli.parameter_options import takes_parameters_of
from reelops.errors import TrackingError
from reelops.params import Config, load_config
from reelops.scoring.batch import ScoringOrder, find_clips, in_batches
from reelops.scoring.outputs import Outputs
from reelops.scoring.run_record import run_record, worst_answer
from reelops.scoring.scored_clip import ScoredClip, counts, exit_code
from reelops.system.hardware import cores
from reelops.system.scratch import scratch_folder
from reelops.tracking.runs import TrackedRun
from reelops.views.progress_bar import watching
from reelops.views.scores import complain, show_many
from tasks.quiet import quieten
from tasks.scoring import log_scores, score_batch, show_scores, write_outputs
from tasks.server import require_server
from tasks.stopping import raise_if_terminated, sigterm_noted

REPORT = "report.html"
TABLE = "clips.csv"


@dataclass(frozen=True)
class ScoredBatch:
    """What became of all clips.

    Attributes:
        tracked: where the run is in MLflow, None if it was not tracked.
        notes: warnings for the user.
    """

    clips: tuple[ScoredClip, ...]
    tracked: TrackedRun | None
    notes: tuple[str, ...]


@flow(name="score-clips", flow_run_name="{videos}", retries=0, task_runner=ThreadPoolTaskRunner(max_workers=cores()))
def score_clips(
    videos: Annotated[list[str], Field(min_length=1)],
    picture: str | None = None,
    prompt: str | None = None,
    profile: str | None = None,
    origin: bool = True,
    batch_size: Annotated[int, Field(ge=1, le=10_000)] = 8,
    html: str | None = None,
    csv: str | None = None,
    parquet: str | None = None,
    track: bool = True,
    fresh: bool = False,
) -> ScoredBatch:
    """Score many clips: in batches, as many at once as there are cores, each in a process of its own.

    Args:
        videos: clips, and folders that hold clips, on the machine that runs the flow.
        picture: what all clips started from; None takes the one each names.
        prompt: what was asked for; None takes what each names.
        profile: whose limits count; None takes each clip's own.
        origin: take picture, prompt and profile from a clip's metadata and the .json beside it.
        batch_size: clips a task.
        html: the report to write; without it, it is only kept in MLflow.
        csv: the table to write; without it, it is only kept in MLflow.
        parquet: the same as Parquet.
        track: log the run to MLflow.
        fresh: measure again what has been measured before.
    """
    config = load_config()
    order = ScoringOrder.of(
        config,
        picture=Path(picture) if picture else None,
        prompt=prompt,
        profile=profile,
        ask_clips=origin,
        fresh=fresh,
    )
    outputs = Outputs(csv=_path(csv), parquet=_path(parquet), html=_path(html))
    clips = find_clips((Path(video) for video in videos), get_run_logger().warning)
    outputs.check(clips)
    with sigterm_noted(), scratch_folder(config.cache) as scratch:
        scored = _scored_in_batches(clips, order, batch_size)
        raise_if_terminated()
        if track:
            outputs = replace(outputs, csv=outputs.csv or scratch / TABLE, html=outputs.html or scratch / REPORT)
        notes = write_outputs(scored, outputs)
        tracked, failure = _logged(scored, outputs, config) if track else (None, None)
    show_scores(scored, tracked)
    return _finished(ScoredBatch(tuple(scored), tracked, (*notes, *([failure] if failure else []))))


def _scored_in_batches(clips: Sequence[Path], order: ScoringOrder, batch_size: int) -> list[ScoredClip]:
    batches = in_batches(clips, batch_size)
    running = [score_batch.submit(number, batch, order) for number, batch in enumerate(batches, start=1)]
    return [clip for batch in running for clip in batch.result()]


def _logged(scored: Sequence[ScoredClip], outputs: Outputs, config: Config) -> tuple[TrackedRun | None, str | None]:
    """Scores are not lost over a tracking server: its task is seen to fail, and the result says why."""
    try:
        files = [path for path in (outputs.csv, outputs.html) if path]
        return log_scores(run_record(scored, files, config.project), config), None
    except TrackingError as error:
        return None, str(error)


def _finished(batch: ScoredBatch) -> Any:
    """A completed state named after the worst answer, so that a list of runs shows which to look at."""
    name = {"accept": "Accepted", "review": "Review", "reject": "Rejected", "unreadable": "Unreadable"}
    found = ", ".join(f"{number} {answer}" for answer, number in counts(batch.clips).items() if number)
    return Completed(name=name[worst_answer(batch.clips)], message=found, data=batch)


def _path(given: str | None) -> Path | None:
    return Path(given) if given else None


@takes_parameters_of(score_clips.fn)
def command(**parameters: Any) -> int:
    """Score many clips, as a run of the flow score-clips. Exit codes are those of reelops score.

    Example: python -m flows score-clips clips/ --html report.html
    """
    quieten()
    require_server()
    with watching("Scoring"):
        batch = score_clips(**parameters)
    show_many(batch.clips)
    if batch.tracked:
        print(f"MLflow run {batch.tracked.run_id}: {batch.tracked.look}")
    complain(batch.clips, batch.notes)
    return exit_code(batch.clips)

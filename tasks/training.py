"""Reproducing an adapter, tagging its run and registering it, as tasks."""

from __future__ import annotations

from prefect import get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from reelops.params import Config
from reelops.progress import Event, LogMessage, RunContext
from reelops.system.plain_text import spelt_out
from reelops.tracking.adapters import RegisteredAdapter, register_challenger
from reelops.tracking.runs import tag_run
from reelops.training.reproduce import TrainedAdapter, lineage_tags, reproduce
from reelops.validation.verdict import AdapterVerdict
from tasks.failure import retry_if_it_may_pass
from tasks.stopping import is_asked_to_stop

ARTIFACT_KEY = "trained-adapter"


@task(tags=["gpu"], retries=0, cache_policy=NO_CACHE, task_run_name="dvc repro {stage}")
def reproduce_stage(stage: str, config: Config) -> None:
    """Not retried: a stage resumes when the flow runs again, and fails again on what is wrong."""
    logger = get_run_logger()

    def on_event(event: Event) -> None:
        if isinstance(event, LogMessage):
            logger.info(event.text)

    reproduce(stage, config.root, RunContext(on_event, is_asked_to_stop))


@task(
    retries=2,
    retry_delay_seconds=[2, 10],
    retry_condition_fn=retry_if_it_may_pass,
    timeout_seconds=600,
    cache_policy=NO_CACHE,
)
def register_adapter(
    trained: TrainedAdapter, verdict: AdapterVerdict | None, run_id: str, model_id: str, config: Config
) -> RegisteredAdapter:
    """The run gets its lineage and verdict as tags, the adapter its version as challenger."""
    from reelops.cogvideox.adapter_file import WEIGHTS_NAME

    tags = lineage_tags(trained) | (verdict.tags if verdict else {})
    tag_run(config.mlflow_tracking_uri, run_id, tags)
    weights = trained.folder / WEIGHTS_NAME
    return register_challenger(config.mlflow_tracking_uri, trained.name, weights, run_id, model_id, tags)


@task(timeout_seconds=60, cache_policy=NO_CACHE)
def show_adapter(
    trained: TrainedAdapter, verdict: AdapterVerdict | None, registered: RegisteredAdapter | None, note: str | None
) -> None:
    page = spelt_out(report(trained, verdict, registered, note))
    create_markdown_artifact(page, key=ARTIFACT_KEY, description=trained.name)


def report(
    trained: TrainedAdapter, verdict: AdapterVerdict | None, registered: RegisteredAdapter | None, note: str | None
) -> str:
    """The adapter as Markdown: what it learnt from, how that went, what validation says, where it is."""
    place = f"version {registered.version} of {registered.name}, challenger" if registered else "not registered"
    facts = {"registry": place, "sha256": trained.sha256, "lineage": str(trained.lineage), "folder": trained.folder}
    facts |= {"MLflow run": trained.run_id or "not tracked"}
    rows = [f"| {key.replace('_', ' ')} | {value} |" for key, value in trained.figures.items() if value is not None]
    places = [f"| {key} | `{value}` |" for key, value in facts.items()]
    head = [f"# Adapter {trained.name}", *([f"\n{note}"] if note else []), "\n| | |\n| --- | --- |"]
    return "\n".join([*head, *places, *rows, *(_checks(verdict) if verdict else [])])


def _checks(verdict: AdapterVerdict) -> list[str]:
    answers = {name: "not passed" if name in verdict.failed else "passed" for name in verdict.checks}
    rows = [f"| {answers[name]} | {text} |" for name, text in verdict.checks.items()]
    return [f"\n{verdict.words}", "\n| check | |\n| --- | --- |", *rows]

"""Runs to be kept by an MLflow server, and what it has of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reelops.tracking.runs import RunRecord

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

QUICK = (0.1, 0.1, 0.1)
"""Seconds between the last tries to send what is left."""


def record(experiment: str, **changes: object) -> RunRecord:
    values: dict[str, object] = {
        "name": "run",
        "params": {"seed": 7},
        "metrics": {},
        "tags": {},
        "experiment": experiment,
    }
    return RunRecord(**{**values, **changes})  # type: ignore[arg-type]


def only_run(client: MlflowClient, experiment: str) -> Run:
    (run,) = client.search_runs([client.get_experiment_by_name(experiment).experiment_id])
    return run


def points(client: MlflowClient, run_id: str, name: str = "loss") -> list[tuple[int, float]]:
    return [(point.step, point.value) for point in client.get_metric_history(run_id, name)]

"""What a run leaves in MLflow: parameters, scores, seconds, memory, verdict, lineage, and the clip itself."""

from __future__ import annotations

import json
import math
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reelops.shown_address import shown
from reelops.system.plain_text import spelt_out
from reelops.tracking.store import (
    asking_store,
    experiment_id_of,
    is_gone,
    new_client,
    one_at_a_time,
    open_store,
    persist,
    where_to_look,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

EXPERIMENT = "generate-video"
KEY = "reelops.key"
_TAKE = "did not take the run"


@dataclass(frozen=True)
class RunRecord:
    """What one run should be remembered by. One record is one run in MLflow, however often it is written.

    Attributes:
        name: what people see in the list of runs.
        params: what was asked for and what was chosen; shown as text.
        metrics: finite numbers.
        tags: what people search and filter by.
        files: files to keep with the run.
        folder: that they lie in there; empty for none.
        tables: by file name, columns by their names; MLflow shows them as tables.
        note: Markdown shown as the run's description.
        started: seconds since the epoch; when the record was made, if None.
        key: by which a run is known that was written before, whole or in part.
        made: seconds since the epoch.
    """

    name: str
    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    files: Sequence[Path] = ()
    folder: str = ""
    tables: Mapping[str, Mapping[str, Sequence[Any]]] = field(default_factory=dict)
    note: str = ""
    started: float | None = None
    experiment: str = EXPERIMENT
    key: str = field(default_factory=lambda: uuid.uuid4().hex)
    made: float = field(default_factory=time.time)


@dataclass(frozen=True)
class TrackedRun:
    """Where a run can be looked up.

    Attributes:
        run_id: MLflow's id.
        uri: the tracking store.
        look: a web address, or the command that opens one.
    """

    run_id: str
    uri: str
    look: str


def log_run(record: RunRecord, uri: str) -> TrackedRun:
    """Write a run and its files, all or marked as failed; one that was written in part is gone on with.

    Raises:
        TrackingError: the store cannot be reached or refuses; the files themselves are untouched.
    """

    def write() -> TrackedRun:
        with one_at_a_time(uri):
            client = new_client(uri)
            experiment_id = experiment_id_of(client, record.experiment, uri)
        run_id = _write(client, record, experiment_id)
        return TrackedRun(run_id, shown(uri), where_to_look(uri, experiment_id, run_id))

    with asking_store(uri, _TAKE):
        return persist(write)


def add_to_run(run_id: str | None, record: RunRecord, uri: str, tags: Mapping[str, str]) -> TrackedRun:
    """Adds to a run that has ended what was found out about it later, any number of times; its status stays.

    Figures become metrics under the record's folder, one step further each time: the newest are those that MLflow's
    list shows, and all earlier ones are points of the same curve. A figure that an earlier time had and this one lacks
    is not a number. Files replace those of earlier times, and a tag for each time, `FOLDER.NUMBER`, keeps its note.

    Args:
        run_id: where the store has no such run, or it is None, the record becomes a run of its own.
        tags: that the run gets; the record's own are for a run of its own.

    Raises:
        TrackingError: the store cannot be reached or refuses.
    """
    with asking_store(uri, _TAKE), open_store(uri) as client:
        run = persist(lambda: run_that_is_there(client, run_id))
        if run is not None:
            # Found out once, so that what is tried again adds nothing twice.
            before = {name: step for name, step in reached(run).items() if name.startswith(f"{record.folder}/")}
            persist(lambda: _add(client, run, record, tags, before))
            found_at = where_to_look(uri, run.info.experiment_id, run.info.run_id)
            return TrackedRun(str(run.info.run_id), shown(uri), found_at)
    own = replace(record, metrics=_under(record.folder, record.metrics), tags={**record.tags, **tags})
    return log_run(own, uri)


def tag_run(uri: str, run_id: str, tags: Mapping[str, str]) -> None:
    """Tags a run that has ended with what was known only afterwards.

    Raises:
        TrackingError: the store cannot be reached or refuses.
    """

    def tag() -> None:
        for name, value in tags.items():
            client.set_tag(run_id, name, value)

    with asking_store(uri, f"did not take the tags of {run_id}"), open_store(uri) as client:
        persist(tag)


def end_left_run(uri: str, run_id: str | None) -> None:
    """Ends a run as killed whose process is gone without having said so; any other stays as it is.

    Raises:
        TrackingError: the store cannot be reached or refuses.
    """

    def end() -> None:
        run = run_that_is_there(client, run_id)
        if run is not None and run.info.status == "RUNNING":
            client.set_terminated(run_id, "KILLED")

    with asking_store(uri, f"did not take the end of {run_id}"), open_store(uri) as client:
        persist(end)


def run_of(client: MlflowClient, experiment_id: str, record: RunRecord) -> Run:
    """The run of a record: the one that was begun for it before, or a new one."""
    known = _runs_with_key(client, experiment_id, record.key)
    if not known:
        started = int((record.made if record.started is None else record.started) * 1000)
        tags = {**record.tags, "mlflow.note.content": record.note, "mlflow.source.name": "reelops", KEY: record.key}
        client.create_run(
            experiment_id,
            start_time=started,
            tags={name: spelt_out(value) for name, value in tags.items()},
            run_name=spelt_out(record.name),
        )
        # An answer that is lost on the way makes MLflow's client ask twice, and the server make two.
        known = _runs_with_key(client, experiment_id, record.key)
    for twin in known[1:]:
        client.delete_run(twin.info.run_id)
    return known[0]


def run_that_is_there(client: MlflowClient, run_id: str | None) -> Run | None:
    """The run; None where the store has none, or one that was deleted."""
    if run_id is None:
        return None
    try:
        run = client.get_run(run_id)
    except Exception as error:
        if is_gone(error):
            return None
        raise
    return run if run.info.lifecycle_stage == "active" else None


def log_values(client: MlflowClient, run_id: str, record: RunRecord) -> None:
    """Parameters and figures of a record; the same again where they are there already."""
    from mlflow.entities import Metric, Param

    params = [Param(name, "" if value is None else spelt_out(str(value))) for name, value in record.params.items()]
    metrics = [Metric(name, float(value), _made_ms(record), 0) for name, value in record.metrics.items()]
    client.log_batch(run_id, params=params, metrics=metrics)


def reached(run: Run) -> dict[str, int]:
    """The last step of each curve of a run."""
    # Metrics in words keep their steps only in this form; `data.metrics` has values alone.
    return {metric.key: metric.step for metric in run.data.to_proto().metrics}


def _runs_with_key(client: MlflowClient, experiment_id: str, key: str) -> list[Run]:
    found = client.search_runs([experiment_id], filter_string=f"tags.`{KEY}` = '{key}'")
    return sorted(found, key=lambda run: str(run.info.run_id))


def _write(client: MlflowClient, record: RunRecord, experiment_id: str) -> str:
    run = run_of(client, experiment_id, record)
    run_id: str = run.info.run_id
    if run.info.status == "FINISHED":
        return run_id
    try:
        log_values(client, run_id, record)
        for path in record.files:
            client.log_artifact(run_id, str(path), record.folder or None)
        for name, columns in record.tables.items():
            _log_table(client, run_id, name, columns)
        _list_tables(client, run_id, record)
        client.set_terminated(run_id, "FINISHED")
    except BaseException:
        # What ends the writing, a signal above all, is told, and not what a server says to this.
        with suppress(Exception):
            client.set_terminated(run_id, "FAILED")
        raise
    return run_id


def _log_table(client: MlflowClient, run_id: str, name: str, columns: Mapping[str, Sequence[Any]]) -> None:
    """As MLflow's `log_table` writes one, which adds rows to a table that is there."""
    import pandas as pd

    client.log_text(run_id, pd.DataFrame(dict(columns)).to_json(orient="split", index=False, date_format="iso"), name)


def _list_tables(client: MlflowClient, run_id: str, record: RunRecord) -> None:
    if record.tables:
        tables = [{"path": name, "type": "table"} for name in record.tables]
        client.set_tag(run_id, "mlflow.loggedArtifacts", json.dumps(tables))


def _add(client: MlflowClient, run: Run, record: RunRecord, tags: Mapping[str, str], before: Mapping[str, int]) -> None:
    from mlflow.entities import Metric

    run_id, number = run.info.run_id, max(before.values(), default=0) + 1
    figures = {**dict.fromkeys(before, math.nan), **_under(record.folder, record.metrics)}
    client.log_batch(run_id, metrics=[Metric(name, value, _made_ms(record), number) for name, value in figures.items()])
    for path in record.files:
        client.log_artifact(run_id, str(path), record.folder)
    _remove_others(client, run, record)
    for name, value in {**tags, f"{record.folder}.{number}": record.note}.items():
        client.set_tag(run_id, name, spelt_out(value))


def _remove_others(client: MlflowClient, run: Run, record: RunRecord) -> None:
    """Files of an earlier time that this one has no other in place of: beside the new ones they would pass for new."""
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    names = {path.name for path in record.files}
    there = client.list_artifacts(run.info.run_id, record.folder)
    if others := [one.path for one in there if Path(one.path).name not in names]:
        repository = get_artifact_repository(run.info.artifact_uri, tracking_uri=client.tracking_uri)
        for path in others:
            repository.delete_artifacts(path)


def _under(folder: str, figures: Mapping[str, float]) -> dict[str, float]:
    return {f"{folder}/{name}": float(value) for name, value in figures.items()}


def _made_ms(record: RunRecord) -> int:
    """The one time of all figures of a record, by which MLflow knows a figure that it has."""
    return int(record.made * 1000)

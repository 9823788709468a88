"""What a run leaves in MLflow: parameters, scores, seconds, memory, verdict, lineage, and the clip itself.

Without a server the store is a SQLite file in ReelOps' home with the artifacts beside it. MLflow is told to be quiet
and careful before it is imported: no telemetry, no job runner (it would add 2 GB of processes), no unpickling.
"""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reelops.errors import TrackingError
from reelops.system.exclusive_lock import kernel_lock
from reelops.system.plain_text import spelt_out

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT = "generate-video"
SQLITE = "sqlite:///"
SEND_EVERY_SECONDS = 5.0
MOST_POINTS = 1000  # MLflow refuses more at once

HARDENED = {
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # MLflow's own patience, 7 retries with backoff, lets an absent server hold a finished clip for four minutes.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
}


@dataclass(frozen=True)
class RunRecord:
    """What one run should be remembered by.

    Attributes:
        name: what people see in the list of runs.
        params: what was asked for and what was chosen; shown as text.
        metrics: finite numbers.
        tags: what people search and filter by.
        files: files to keep with the run.
        tables: by file name, columns by their names; MLflow shows them as tables.
        note: Markdown shown as the run's description.
        started: seconds since the epoch; now, if None.
    """

    name: str
    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    files: Sequence[Path] = ()
    tables: Mapping[str, Mapping[str, Sequence[Any]]] = field(default_factory=dict)
    note: str = ""
    started: float | None = None
    experiment: str = EXPERIMENT


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
    """Write a run and its files, all or marked as failed.

    Raises:
        TrackingError: the store cannot be reached or refuses; the files themselves are untouched.
    """
    try:
        with _one_at_a_time(uri):
            client = _open(uri)
            experiment_id = _experiment(client, record.experiment, uri)
        run_id = _write(client, record, experiment_id)
    except ImportError as error:
        raise TrackingError(
            'MLflow is not installed, so the run was not tracked. Install it with pip install "reelops[tracking]", '
            "or use --no-track."
        ) from error
    except Exception as error:
        raise TrackingError(
            f"MLflow at {shown(uri)} did not take the run: {reason_of(error)}. Check that it runs and that "
            "MLFLOW_TRACKING_URI is right, or unset it to use the local store."
        ) from error
    return TrackedRun(run_id, shown(uri), where_to_look(uri, experiment_id, run_id))


class LiveRun:
    """A run that is logged while it runs, and that a later process can resume.

    Nothing here raises for a store that does not answer: work that takes hours is not lost over its diary. The first
    failure is kept in `failure`, and nothing more is sent.

    Points of curves are sent together, every few seconds. A run that is gone on with knows how far each of its curves
    reaches, and takes no point of a step that it has: what a process did between its last checkpoint and its end is
    done again by the next one.

    Args:
        run_id: of a run to resume; None begins one.
    """

    def __init__(self, record: RunRecord, uri: str, run_id: str | None = None) -> None:
        self.failure: str | None = None
        self.model_id: str | None = None
        self._points: list[Any] = []
        self._reached: dict[str, int] = {}
        self._sent = time.monotonic()
        self.run_id = run_id
        self._uri = uri
        self._client: MlflowClient | None = None
        self._experiment_id = ""
        self._attempt(lambda: self._begin(record))

    @property
    def tracked(self) -> TrackedRun | None:
        """Where it can be looked up; None where it could not be tracked."""
        if self.run_id is None or self.failure is not None:
            return None
        return TrackedRun(self.run_id, shown(self._uri), where_to_look(self._uri, self._experiment_id, self.run_id))

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """Points of curves; what is not finite, or is there already, is left out."""
        from math import isfinite

        new = {name: value for name, value in metrics.items() if isfinite(value) and step > self._reached.get(name, -1)}
        self._attempt(lambda: self._note(new, step))
        if time.monotonic() - self._sent > SEND_EVERY_SECONDS:
            self._attempt(self._send)

    def finish(
        self,
        files: Sequence[Path] = (),
        tags: Mapping[str, str] | None = None,
        status: str = "FINISHED",
        folder: str | None = None,
    ) -> None:
        """Keeps files with the run, in a folder of their own or not, tags it and closes it.

        Args:
            status: `KILLED` and `FAILED` are other ends.
        """
        self._attempt(lambda: self._finish(files, tags or {}, status, folder))

    def keep_model(self, name: str, folder: Path, params: Mapping[str, str], tags: Mapping[str, str]) -> None:
        """Keeps a folder as a LoggedModel of this run; `model_id` is its id then."""
        self._attempt(lambda: self._keep_model(name, folder, params, tags))

    def _attempt(self, action: Callable[[], None]) -> None:
        if self.failure is not None:
            return
        try:
            action()
        except ImportError:
            self.failure = 'MLflow is not installed; pip install "reelops[tracking]", or use --no-track'
        except Exception as error:
            self.failure = f"MLflow at {shown(self._uri)} did not take the run: {reason_of(error)}"

    def _begin(self, record: RunRecord) -> None:
        with _one_at_a_time(self._uri):
            self._client = _open(self._uri)
            self._experiment_id = _experiment(self._client, record.experiment, self._uri)
        if self.run_id is not None:
            self._client.update_run(self.run_id, status="RUNNING")
            self._reached = _reached(self._client, self.run_id)
            return
        started = int(time.time() * 1000)
        run = _create_run(self._client, record, self._experiment_id, started)
        self.run_id = run.info.run_id
        _log_values(self._client, run.info.run_id, record)

    def _note(self, metrics: Mapping[str, float], step: int) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        self._points += [Metric(name, float(value), now, step) for name, value in metrics.items()]

    def _send(self) -> None:
        assert self._client is not None
        while self._points:
            self._client.log_batch(self.run_id, metrics=self._points[:MOST_POINTS])
            self._points = self._points[MOST_POINTS:]
        self._sent = time.monotonic()

    def _finish(self, files: Sequence[Path], tags: Mapping[str, str], status: str, folder: str | None) -> None:
        assert self._client is not None
        self._send()
        for path in files:
            self._client.log_artifact(self.run_id, str(path), folder)
        for key, value in tags.items():
            self._client.set_tag(self.run_id, key, value)
        self._client.set_terminated(self.run_id, status)

    def _keep_model(self, name: str, folder: Path, params: Mapping[str, str], tags: Mapping[str, str]) -> None:
        from mlflow.entities import LoggedModelStatus

        assert self._client is not None
        model = self._client.create_logged_model(
            self._experiment_id, name, self.run_id, tags=dict(tags), params=dict(params), model_type="lora"
        )
        self._client.log_model_artifacts(model.model_id, str(folder))
        self._client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
        self.model_id = str(model.model_id)


def tag_run(uri: str, run_id: str, tags: Mapping[str, str]) -> None:
    """Tags a run that has ended with what was known only afterwards.

    Raises:
        TrackingError: the store cannot be reached or refuses.
    """
    try:
        with open_store(uri) as client:
            for name, value in tags.items():
                client.set_tag(run_id, name, value)
    except Exception as error:
        raise TrackingError(f"MLflow at {shown(uri)} did not take the tags of {run_id}: {reason_of(error)}.") from error


@contextmanager
def open_store(uri: str) -> Iterator[MlflowClient]:
    """MLflow's client, with a local store's migrations done by one process at a time."""
    with _one_at_a_time(uri):
        client = _open(uri)
        client.search_experiments(max_results=1)
    yield client


def where_to_look(uri: str, experiment_id: str, run_id: str) -> str:
    """The run's page on a server, or the command that serves a local store."""
    page = f"#/experiments/{experiment_id}/runs/{run_id}"
    if uri.startswith(("http://", "https://")):
        return f"{shown(uri).rstrip('/')}/{page}"
    return f"mlflow ui --backend-store-uri {shown(uri)}"


def is_local(uri: str) -> bool:
    """Whether the store is a file of this machine, not a server."""
    return _sqlite_file(uri) is not None


def harden() -> None:
    """Set MLflow's environment where the user has not; it is read when mlflow is imported and at each request."""
    for name, value in HARDENED.items():
        os.environ.setdefault(name, value)


def _open(uri: str) -> MlflowClient:
    harden()
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=uri)


def _write(client: MlflowClient, record: RunRecord, experiment_id: str) -> str:
    started = int((time.time() if record.started is None else record.started) * 1000)
    run = _create_run(client, record, experiment_id, started)
    run_id: str = run.info.run_id
    try:
        _log_values(client, run_id, record)
        for path in record.files:
            client.log_artifact(run_id, str(path))
        for name, columns in record.tables.items():
            client.log_table(run_id, dict(columns), name)
    except BaseException:
        client.set_terminated(run_id, "FAILED")
        raise
    client.set_terminated(run_id, "FINISHED")
    return run_id


def _create_run(client: MlflowClient, record: RunRecord, experiment_id: str, started: int) -> Any:
    tags = {**record.tags, "mlflow.note.content": record.note, "mlflow.source.name": "reelops"}
    return client.create_run(
        experiment_id,
        start_time=started,
        tags={name: spelt_out(value) for name, value in tags.items()},
        run_name=spelt_out(record.name),
    )


def _log_values(client: MlflowClient, run_id: str, record: RunRecord) -> None:
    from mlflow.entities import Metric, Param

    now = int(time.time() * 1000)
    params = [Param(name, "" if value is None else spelt_out(str(value))) for name, value in record.params.items()]
    metrics = [Metric(name, float(value), now, 0) for name, value in record.metrics.items()]
    client.log_batch(run_id, params=params, metrics=metrics)


def _reached(client: MlflowClient, run_id: str) -> dict[str, int]:
    """The last step of each curve of a run."""
    # Metrics in words keep their steps only in this form; `data.metrics` has values alone.
    return {metric.key: metric.step for metric in client.get_run(run_id).data.to_proto().metrics}


def _experiment(client: MlflowClient, name: str, uri: str) -> str:
    known = client.get_experiment_by_name(name)
    if known is not None:
        return str(known.experiment_id)
    store = _sqlite_file(uri)
    location = (store.parent / "mlartifacts" / name).as_uri() if store else None
    return str(client.create_experiment(name, artifact_location=location))


@contextmanager
def _one_at_a_time(uri: str) -> Iterator[None]:
    """Two processes that create the same SQLite store at once break each other's migrations."""
    store = _sqlite_file(uri)
    if store is None:
        yield
        return
    with kernel_lock(store.with_suffix(".lock")):
        yield


def _sqlite_file(uri: str) -> Path | None:
    return Path(uri.removeprefix(SQLITE)).absolute() if uri.startswith(SQLITE) else None


def shown(uri: str) -> str:
    """The store's address as it may be shown: without user and password."""
    scheme, mark, rest = uri.partition("://")
    return scheme + mark + rest.rpartition("@")[2]


def innermost_cause(error: BaseException) -> BaseException:
    """What began it; the error itself where nothing else did."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return error


def reason_of(error: BaseException) -> str:
    """The innermost cause in a few words; MLflow wraps a refused connection in three sentences of addresses."""
    error = innermost_cause(error)
    if isinstance(error, ConnectionError | TimeoutError):
        return f"it does not answer ({error.strerror or type(error).__name__})".replace("[Errno", "")
    lines = str(error).strip().splitlines()
    line = lines[0] if lines else type(error).__name__
    return re.sub(r"//\S+@", "//", line[:300]).rstrip(".")

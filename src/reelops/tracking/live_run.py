"""A run in MLflow that is logged while it runs, and that a later process can resume.

Work that takes hours is not lost over its log: nothing here raises for a store that does not answer. What it did not
take is kept and sent at the next occasion, the last one being the run's end.
"""

from __future__ import annotations

import math
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from reelops.errors import Cancelled, stop_among
from reelops.shown_address import shown
from reelops.tracking.runs import RunRecord, TrackedRun, log_values, reached, run_of, run_that_is_there
from reelops.tracking.store import (
    NOT_INSTALLED,
    does_not_answer,
    experiment_id_of,
    is_busy,
    is_not_installed,
    is_refused,
    new_client,
    one_at_a_time,
    part_from,
    persist,
    reason_of,
    where_to_look,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel

WEIGHTS_TAG = "adapter_sha256"
SEND_EVERY_SECONDS = 5.0
MOST_AT_ONCE = 1000  # MLflow refuses more points in one request
MOST_WAITING = 100_000  # about 20 MB
# A store that keeps a run waiting until it gives up may cost it a tenth of its time.
_RESTS_PER_TRY = 10.0
_LAST_WAITS = (1.0, 3.0, 10.0)
_ITS_END = "that it has ended"


@dataclass(frozen=True)
class Point:
    """A point of a curve; `ms` since the epoch, by which MLflow knows a point that it has."""

    name: str
    value: float
    ms: int
    step: int


class LiveRun:
    """The run, as a block: however it ends, the run in MLflow ends with it.

    Points of curves are sent together, every few seconds. A run that is resumed knows how far each of its curves
    reaches, and takes no point of a step that it has: what a process did between its last checkpoint and its end is
    done again by the next one.

    Args:
        run_id: of a run to resume; None begins one. One that the store does not have is replaced by a new one.
        last_waits: seconds before each further try at the end of a run that has ended well.

    Attributes:
        run_id: MLflow's id; None until the store has answered.
        model_id: of the model that was kept with it.
        lost_points: that were dropped because too many waited, or refused.
    """

    def __init__(
        self, record: RunRecord, uri: str, run_id: str | None = None, last_waits: Sequence[float] = _LAST_WAITS
    ) -> None:
        self.run_id = run_id
        self.model_id: str | None = None
        self.lost_points = 0
        self._record, self._uri, self._last_waits = record, uri, last_waits
        self._waiting: deque[Point] = deque()
        self._missing: list[str] = []
        self._reason: str | None = None
        self._unreachable = False
        self._next_try = 0.0
        self._client: MlflowClient | None = None
        self._experiment_id = ""
        self._reached: dict[str, int] = {}
        self._ended = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        if error is None:
            self.finish()
        else:
            stopped = isinstance(error, Cancelled) or not isinstance(error, Exception)
            self.finish(status="KILLED" if stopped else "FAILED")

    @property
    def tracked(self) -> TrackedRun | None:
        """Where it can be looked up; None where the store has nothing of it."""
        if self.run_id is None or self._client is None:
            return None
        return TrackedRun(self.run_id, shown(self._uri), where_to_look(self._uri, self._experiment_id, self.run_id))

    @property
    def failure(self) -> str | None:
        """What the store did not take so far, and why, in one line; None where it took everything."""
        points = self.lost_points + len(self._waiting) if self._reason or self.lost_points else 0
        missing = [*([f"{points} points"] if points else []), *self._missing]
        if self._reason == NOT_INSTALLED:
            return NOT_INSTALLED
        if self._client is None and self._reason:
            missing = ["the run"]
        if not missing:
            return None
        reason = self._reason or f"more than {MOST_WAITING} points waited, or it refused them"
        return f"MLflow at {shown(self._uri)} did not take {', '.join(missing)}: {reason}"

    @property
    def has_ended(self) -> bool:
        """Whether the store knows that it has ended, or has nothing of it."""
        return self._ended and _ITS_END not in self._missing

    def begin(self) -> None:
        """Begins or resumes the run in the store, if that answers; the next point does it otherwise."""
        self._try(self._begun)

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """Points of curves; what is not finite, or is there already, is left out."""
        now = int(time.time() * 1000)
        for name, value in metrics.items():
            if math.isfinite(value):
                self._keep(Point(name, float(value), now, step))
        if time.monotonic() >= self._next_try:
            self._try(self._send)

    def keep_model(self, name: str, folder: Path, params: Mapping[str, str], tags: Mapping[str, str]) -> None:
        """Keeps a folder as a LoggedModel of this run; `model_id` is its id then.

        Args:
            tags: the same weights, as `adapter_sha256` among them tells, are kept once.
        """

        def keep() -> None:
            self.model_id = self._kept_model(name, folder, params, tags)

        self._insist(f"the model {name}", keep)

    def finish(
        self, files: Sequence[Path] = (), tags: Mapping[str, str] | None = None, status: str = "FINISHED"
    ) -> None:
        """Sends what waits, keeps files with the run, tags it and ends it; a second call does nothing.

        Args:
            status: `KILLED` and `FAILED` are other ends. A run that lacks a file, a tag or its model is `FAILED`, too.
        """
        if self._ended:
            return
        self._ended = True
        well = status == "FINISHED"
        self._insist("", self._send, well)
        for path in files:
            self._insist(path.name, partial(self._keep_file, path), well)
        lost = {"lost_points": str(self.lost_points)} if self.lost_points else {}
        for name, value in {**(tags or {}), **lost}.items():
            self._insist(f"the tag {name}", partial(self._tag, name, value), well)
        end = "FAILED" if well and self._missing else status
        self._insist(_ITS_END, lambda: self._begun().set_terminated(self.run_id, end), well)

    # ---- trying ----

    def _insist(self, what: str, action: Callable[[], object], patiently: bool = True) -> None:
        """At the end of the run: tries again what may pass, and notes what the store did not take.

        Args:
            what: as the object of "did not take"; empty for points, which are counted.
        """
        waits = self._last_waits if patiently and self._client is not None else ()
        # Where nobody was found after all of that, nobody will be for the next part.
        failed = self._unreachable or not self._try(lambda: persist(action, waits, _may_come_back))
        if failed and what:
            self._missing.append(what)

    def _try(self, action: Callable[[], object]) -> bool:
        """Whether it was done; why not is kept, and what asks to stop is raised."""
        began, handled = time.monotonic(), sys.exception()
        try:
            action()
        except Exception as error:
            part_from(error, handled)
            if (stop := stop_among(error)) is not None:
                raise stop from None
            self._reason = NOT_INSTALLED if is_not_installed(error) else reason_of(error)
            self._unreachable = self._ended and does_not_answer(error)
            took = time.monotonic() - began
            self._next_try = time.monotonic() + max(SEND_EVERY_SECONDS, _RESTS_PER_TRY * took)
            return False
        self._next_try = time.monotonic() + SEND_EVERY_SECONDS
        if not self._missing:
            self._reason = None
        return True

    # ---- what is tried ----

    def _begun(self) -> MlflowClient:
        """MLflow's client, once the run is there."""
        if self._client is not None:
            return self._client
        with one_at_a_time(self._uri):
            client = new_client(self._uri)
            experiment_id = experiment_id_of(client, self._record.experiment, self._uri)
        run = run_that_is_there(client, self.run_id)
        if run is None:
            run = run_of(client, experiment_id, self._record)
            log_values(client, run.info.run_id, self._record)
        self._reached = reached(run)
        self.run_id, self._experiment_id = str(run.info.run_id), str(run.info.experiment_id)
        client.update_run(self.run_id, status="RUNNING")
        self._client = client
        return client

    def _keep(self, point: Point) -> None:
        self._waiting.append(point)
        if len(self._waiting) > MOST_WAITING:
            self._waiting.popleft()
            self.lost_points += 1

    def _send(self) -> None:
        """All points that wait, in their order; those that an earlier try has sent are known by their time."""
        self._begun()
        while self._waiting:
            batch = list(islice(self._waiting, MOST_AT_ONCE))
            self._send_batch([point for point in batch if point.step > self._reached.get(point.name, -1)])
            for _ in batch:
                self._waiting.popleft()

    def _send_batch(self, points: Sequence[Point]) -> None:
        """A point that the store refuses for what it is costs none of the others."""
        from mlflow.entities import Metric

        if not points:
            return
        metrics = [Metric(point.name, point.value, point.ms, point.step) for point in points]
        try:
            self._begun().log_batch(self.run_id, metrics=metrics)
        except Exception as error:
            if not is_refused(error):
                raise
            if len(points) == 1:
                self.lost_points += 1
                return
            half = len(points) // 2
            self._send_batch(points[:half])
            self._send_batch(points[half:])

    def _keep_file(self, path: Path) -> None:
        self._begun().log_artifact(self.run_id, str(path))

    def _tag(self, name: str, value: str) -> None:
        self._begun().set_tag(self.run_id, name, value)

    def _kept_model(self, name: str, folder: Path, params: Mapping[str, str], tags: Mapping[str, str]) -> str:
        from mlflow.entities import LoggedModelStatus

        client = self._begun()
        if not (found := self._models_like(tags)):
            client.create_logged_model(
                self._experiment_id, name, self.run_id, tags=dict(tags), params=dict(params), model_type="lora"
            )
            found = self._models_like(tags)  # two, where the first answer was lost on the way and MLflow asked again
        ready = [model for model in found if model.status == LoggedModelStatus.READY]
        model = (ready or found)[0]
        for twin in found:
            if twin.model_id != model.model_id and twin not in ready:
                client.delete_logged_model(twin.model_id)
        if not ready:
            client.log_model_artifacts(model.model_id, str(folder))
            client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
        return str(model.model_id)

    def _models_like(self, tags: Mapping[str, str]) -> list[LoggedModel]:
        """Models of this run with the same weights, the oldest first."""
        of_the_run = f"source_run_id = '{self.run_id}'"
        found = self._begun().search_logged_models([self._experiment_id], filter_string=of_the_run)
        same = [model for model in found if model.tags.get(WEIGHTS_TAG) == tags[WEIGHTS_TAG]]
        return sorted(same, key=lambda model: (model.creation_timestamp, model.model_id))


def _may_come_back(error: BaseException) -> bool:
    return is_busy(error) or does_not_answer(error)

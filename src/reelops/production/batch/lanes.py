"""Jobs of a batch made side by side in this process, each by the one production line.

A lane claims a job, makes its clip, and enters what became of it. While one lane has the model, another one carries
detail, encodes and scores: that is where several lanes gain. Any number of processes may work on one batch; each stays
until all jobs have ended, as it may be needed for what another one leaves when it dies.
"""

from __future__ import annotations

import json
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reelops.clip import ClipOrder
from reelops.errors import (
    Cancelled,
    Fault,
    MachineError,
    OutOfMemory,
    fault_of,
    is_out_of_memory,
    may_pass,
    stop_among,
)
from reelops.foreign import reason_of
from reelops.production.batch.requests import Request
from reelops.production.ledger import LEASE_SECONDS, MOST_ATTEMPTS, Job, Ledger, LostJobError, State
from reelops.production.output_names import sidecar_of
from reelops.production.output_place import BeingMadeError, place_at
from reelops.production.producer import Producer
from reelops.production.take import Take
from reelops.progress import QUIET, LogMessage, RunContext
from reelops.system.digest import sha256_of
from reelops.system.hardware import cores

POLL_SECONDS = 1.0
_LISTEN_SECONDS = 0.5
_BEATS_PER_LEASE = 4
_MOST_LANES = 4


@dataclass(frozen=True)
class BatchSettings:
    """How a batch is made.

    Attributes:
        retries: further tries, each with a seed of its own, of a clip that the gate rejects.
        lanes: clips at once; by default one per core, and no more than four.
        track: log each clip to MLflow.
        lease_seconds: what a process that is not heard of may have its jobs for.
    """

    retries: int = 1
    lanes: int = field(default_factory=lambda: min(cores(), _MOST_LANES))
    track: bool = True
    lease_seconds: float = LEASE_SECONDS


def name_of_batch(folder: Path) -> str:
    """What a batch is called in the ledger: where its clips go."""
    return str(folder.absolute())


def work(
    producer: Producer, ledger: Ledger, folder: Path, settings: BatchSettings, context: RunContext = QUIET
) -> None:
    """Makes the clips of a batch that wait, until all its jobs have ended.

    Args:
        context: told how many jobs have ended; what it raises, or a stop, puts back what is being made.

    Raises:
        MachineError: this machine, its disk or the ledger failed in a way that does not pass; what was being made
            waits for the next run.
        Cancelled: somebody asked to stop; the same.
    """
    stop = threading.Event()
    lane = _Lane(producer, ledger, folder, settings, RunContext(_warnings_of(context), stop.is_set))
    if settings.track:
        for note in producer.tracker.open_ahead():
            context.log(f"Note: {note}", "warning")
    with _leases_kept(ledger, settings.lease_seconds), ThreadPoolExecutor(settings.lanes, "lane") as pool:
        running = {pool.submit(lane.work, stop.is_set) for _ in range(settings.lanes)}
        try:
            while running:
                done, running = wait(running, _LISTEN_SECONDS, FIRST_EXCEPTION)
                for one in done:
                    one.result()
                _report(ledger, name_of_batch(folder), context)
                context.raise_if_stopped("Stopped as asked; the same command goes on where it was.")
        finally:
            stop.set()


@dataclass(frozen=True)
class _Lane:
    producer: Producer
    ledger: Ledger
    folder: Path
    settings: BatchSettings
    context: RunContext

    def work(self, should_stop: Callable[[], bool]) -> None:
        batch = name_of_batch(self.folder)
        pause = threading.Event()
        while not should_stop():
            self.ledger.recover(batch)
            job = self.ledger.claim(batch, self.settings.lease_seconds)
            if job is not None:
                self._make(job)
            elif not self.ledger.counts(batch)[State.RUNNING]:
                return
            else:
                pause.wait(POLL_SECONDS)

    def _make(self, job: Job) -> None:
        """The job's clip, and what became of it in the ledger.

        Raises:
            MachineError: this machine failed in a way that stops other jobs, too.
        """
        try:
            found = self._found_or_made(job)
            self._enter(job, found)
        except LostJobError as error:
            self.context.log(str(error), "warning")
        except BaseException as error:
            with _lost_is_noted(self.context):
                self._enter_failure(job, error)

    def _found_or_made(self, job: Job) -> Mapping[str, Any]:
        request = Request.from_json(job.request)
        order = request.order_of_try(job.tries)
        clip = request.clip_of_try(self.folder, job.key, job.tries)
        if (found := finished(clip, order)) is not None:
            return found  # by a process that died before it could say so
        with place_at(clip) as place:
            return told_of(self.producer.produce(order, place, self.context, self.settings.track))

    def _enter(self, job: Job, found: Mapping[str, Any]) -> None:
        before = [*(job.result or {}).get("tries", ()), {k: v for k, v in found.items() if k != "scores"}]
        result = {**found, "tries": before}
        reasons = " ".join(found["reasons"]) or None
        if found["verdict"] != "reject":
            self.ledger.finish(job, State.DONE, result, reasons)
        elif job.tries < self.settings.retries:
            self.ledger.try_again(job, result, f"rejected: {reasons}")
        else:
            self.ledger.finish(job, State.REJECTED, result, reasons)

    def _enter_failure(self, job: Job, error: BaseException) -> None:
        fault = fault_of(error)
        stopped = stop_among(error) is not None or isinstance(error, Cancelled)
        if stopped or isinstance(error, BeingMadeError):
            self.ledger.put_back(job, "stopped" if stopped else str(error))
            if not stopped:
                threading.Event().wait(POLL_SECONDS)
        elif may_pass(error) and job.attempt < MOST_ATTEMPTS:
            self.ledger.put_back(job, reason_of(error), counts=True)
        elif fault is Fault.MACHINE and not (is_out_of_memory(error) or may_pass(error)):
            self.ledger.put_back(job, reason_of(error))
            raise error
        else:
            self._fail(job, error, fault)
        if stopped and not isinstance(error, Cancelled):
            raise error

    def _fail(self, job: Job, error: BaseException, fault: Fault) -> None:
        told = str(error) if isinstance(error, OutOfMemory) or fault is not Fault.OURS else ""
        if not told:
            traceback.print_exception(error)
            told = f"a fault in ReelOps ({type(error).__name__}: {error}); please report it with the lines above"
        tries = (job.result or {}).get("tries", [])
        self.ledger.finish(job, State.FAILED, {"fault": fault.value, "tries": tries}, told)


def told_of(take: Take) -> dict[str, Any]:
    """What the ledger keeps of a take."""
    return told_of_sidecar(take.to_json())


def told_of_sidecar(take: Mapping[str, Any]) -> dict[str, Any]:
    """The same from what stands beside its clip."""
    return {
        "clip": take["path"],
        "sha256": take["sha256"],
        "seed": take["order"]["seed"],
        "verdict": take["verdict"]["decision"],
        "reasons": [reason["text"] for reason in take["verdict"]["reasons"]],
        "scores": take["scores"],
        "seconds": take["seconds"],
        "mlflow_run": (take["tracking"] or {}).get("run_id"),
        "not_tracked": take["tracking_failure"],
    }


def finished(clip: Path, order: ClipOrder) -> dict[str, Any] | None:
    """What is known of the clip of an order that stands there whole; None where none does."""
    try:
        take = json.loads(sidecar_of(clip).read_bytes())
        if take["order"] == order.to_json() and take["sha256"] == sha256_of(clip):
            return {**told_of_sidecar(take), "clip": str(clip)}
    except (OSError, ValueError, LookupError, TypeError):
        pass  # it is not there, or not ours: then its place cannot be taken, and that is said
    return None


def _warnings_of(context: RunContext) -> Callable[[object], None]:
    """Of a clip's own events only what is no note on it: those stand in its sidecar."""

    def on_event(event: object) -> None:
        if isinstance(event, LogMessage) and not event.text.startswith("Note: "):
            context.on_event(event)

    return on_event


def _report(ledger: Ledger, batch: str, context: RunContext) -> None:
    counts = ledger.counts(batch)
    ended = counts[State.DONE] + counts[State.FAILED] + counts[State.REJECTED]
    rejected, failed = float(counts[State.REJECTED]), float(counts[State.FAILED])
    context.progress("batch", ended, sum(counts.values()), "clips", rejected=rejected, failed=failed)


@contextmanager
def _lost_is_noted(context: RunContext) -> Iterator[None]:
    try:
        yield
    except LostJobError as error:
        context.log(str(error), "warning")


@contextmanager
def _leases_kept(ledger: Ledger, seconds: float) -> Iterator[None]:
    """Within it this process's leases are renewed, on a thread of its own."""
    ended = threading.Event()

    def renew() -> None:
        while not ended.wait(seconds / _BEATS_PER_LEASE):
            try:
                ledger.renew(seconds)
            except MachineError:  # the next time will do; the ledger tells the lanes, too
                continue

    thread = threading.Thread(target=renew, name="leases", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()

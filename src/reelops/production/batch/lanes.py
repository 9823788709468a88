"""Jobs of a batch made side by side in this process, each by the one production line.

A lane claims a job, makes its clip, and enters what became of it. While one lane has the model, another one carries
detail, encodes and scores: that is where several lanes gain. Any number of processes may work on one batch; each stays
until all jobs have ended, as it may be needed for what another one leaves when it dies.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reelops.errors import (
    Cancelled,
    Fault,
    InputError,
    OutOfMemory,
    fault_of,
    is_out_of_memory,
    may_pass,
    stop_among,
)
from reelops.foreign import reason_of
from reelops.production.batch.requests import Request
from reelops.production.batch.results import finished, told_of
from reelops.production.jobs.at_work import JobsAtWork
from reelops.production.jobs.job import GENERATE, Job, LostJobError, State
from reelops.production.jobs.ledger import LEASE_SECONDS, MOST_ATTEMPTS, Ledger
from reelops.production.output_place import BeingMadeError, place_at
from reelops.production.producer import Producer
from reelops.progress import QUIET, Event, Progress, RunContext, ShouldStop
from reelops.system.hardware import cores
from reelops.system.plain_text import spelt_out

POLL_SECONDS = 1.0
_LISTEN_SECONDS = 0.5
_MOST_LANES = 4


def default_lanes() -> int:
    """Clips at once in a process: one per core, and no more than four."""
    return min(cores(), _MOST_LANES)


@dataclass(frozen=True)
class BatchSettings:
    """How a batch is made.

    Attributes:
        retries: further tries, each with a seed of its own, of a clip that the gate rejects.
        lanes: clips at once; fewer where memory runs out.
        track: log each clip to MLflow.
        lease_seconds: what a process that is not heard of may have its jobs for.
    """

    retries: int = 1
    lanes: int = field(default_factory=default_lanes)
    track: bool = True
    lease_seconds: float = LEASE_SECONDS


def name_of_batch(folder: Path) -> str:
    """What a batch is called in the ledger: where its clips go."""
    return spelt_out(str(folder.absolute()))


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
    batch = name_of_batch(folder)
    run_lanes(producer, ledger, JobsOf(batch, folder), settings, context, lambda: _report(ledger, batch, context))


def run_lanes(
    producer: Producer,
    ledger: Ledger,
    which: JobsOf,
    settings: BatchSettings,
    context: RunContext,
    report: Callable[[], None],
) -> None:
    """Makes clips on lanes side by side, until there are none left to make, or somebody asks to stop.

    Args:
        report: called twice a second.

    Raises:
        MachineError, Cancelled: see `work`.
    """
    stop = threading.Event()
    of_a_clip = RunContext(_events_of_a_clip(context, stop.is_set), stop.is_set)
    at_work = JobsAtWork(ledger, settings.lease_seconds)
    lane = _Lane(producer, ledger, which, settings, of_a_clip, _Crew(settings.lanes), at_work)
    if settings.track:
        for note in producer.tracker.open_ahead():
            context.log(f"Note: {note}", "warning")
    with at_work.kept(), ThreadPoolExecutor(settings.lanes, "lane") as pool:
        running = {pool.submit(lane.work, stop.is_set) for _ in range(settings.lanes)}
        try:
            while running:
                done, running = wait(running, _LISTEN_SECONDS, FIRST_EXCEPTION)
                for one in done:
                    one.result()
                report()
                context.raise_if_stopped("Stopped as asked; the same command goes on where it was.")
        finally:
            stop.set()


OtherWork = Callable[[Job, RunContext], Mapping[str, Any]]
"""Does a job that asks for something other than a clip; what the ledger keeps of it."""


@dataclass(frozen=True)
class JobsOf:
    """Which jobs of the ledger are made, and where their clips go.

    Attributes:
        batch: what they are called in the ledger.
        stays: wait for further jobs where none is left.
        poll_seconds: between looks at the ledger where nothing waits.
        others: who does jobs whose request names a `kind`, by that kind.
        owns_names: whatever stands under a job's name is what a process left that died with it, and is replaced.
    """

    batch: str
    folder: Path
    stays: bool = False
    poll_seconds: float = POLL_SECONDS
    others: Mapping[str, OtherWork] = field(default_factory=dict)
    owns_names: bool = False


@dataclass(frozen=True)
class _Lane:
    producer: Producer
    ledger: Ledger
    which: JobsOf
    settings: BatchSettings
    context: RunContext
    crew: _Crew
    at_work: JobsAtWork

    def work(self, should_stop: Callable[[], bool]) -> None:
        batch = self.which.batch
        pause = threading.Event()
        while not should_stop():
            if (job := self._claimed(batch)) is not None:
                if not self._make(job):
                    return
            elif not self.which.stays and not left(self.ledger.counts(batch)):
                return
            else:
                pause.wait(self.which.poll_seconds)

    def _claimed(self, batch: str) -> Job | None:
        """The job that this lane makes next; None where there is none at the moment."""
        if self.ledger.is_idle(batch):
            return None
        self.ledger.recover(batch)
        return self.ledger.claim(batch, self.settings.lease_seconds)

    def _make(self, job: Job) -> bool:
        """The job's clip, and what became of it in the ledger; whether this lane goes on.

        Raises:
            MachineError: this machine failed in a way that stops other jobs, too.
        """
        try:
            with self.at_work.context_of(job, self.context) as context:
                other = self._other_work(job)
                found = self._found_or_made(job, context) if other is None else other(job, context)
            if other is None:
                self._enter(job, found)
            else:
                self.ledger.finish(job, State.DONE, found)
        except LostJobError as error:
            self.context.log(str(error), "warning")
        except BaseException as error:
            with _lost_is_noted(self.context):
                if is_out_of_memory(error) and self.crew.may_shrink(self.context):
                    self.ledger.put_back(job, reason_of(error))
                    return False
                self._enter_failure(job, error)
        return True

    def _other_work(self, job: Job) -> OtherWork | None:
        """Who does a job that asks for no clip.

        Raises:
            InputError: nobody here does what it asks for.
        """
        if job.kind == GENERATE:
            return None
        if job.kind not in self.which.others:
            raise InputError(f"This worker does no jobs of kind {job.kind!r}; update it.")
        return self.which.others[job.kind]

    def _found_or_made(self, job: Job, context: RunContext) -> Mapping[str, Any]:
        request = Request.from_json(job.request)
        order = request.order_of_try(job.tries)
        clip = request.clip_of_try(self.which.folder, job.key, job.tries)
        if (found := finished(clip, order)) is not None:
            return found  # by a process that died before it could say so
        with place_at(clip, overwrite=self.which.owns_names) as place:
            return told_of(self.producer.produce(order, place, context, self.settings.track))

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


class _Crew:
    """How many lanes there are: where memory runs out, one fewer, down to the last."""

    def __init__(self, lanes: int) -> None:
        self._lanes, self._changing = lanes, threading.Lock()

    def may_shrink(self, context: RunContext) -> bool:
        """Whether a lane may end because its clip found no memory beside the others; it then must."""
        with self._changing:
            if self._lanes == 1:
                return False
            self._lanes -= 1
            context.log(
                f"Memory ran out with {self._lanes + 1} clips in the making; {self._lanes} from here on.", "warning"
            )
            return True


def left(counts: Mapping[State, int]) -> int:
    """How many jobs have not ended."""
    return counts[State.WAITING] + counts[State.RUNNING]


def _events_of_a_clip(context: RunContext, should_stop: ShouldStop) -> Callable[[Event], None]:
    """Of a clip's own events only what is no note on it goes on: notes stand in its sidecar. After a stop the next step
    that it tells of is its last."""

    def on_event(event: Event) -> None:
        if isinstance(event, Progress):
            RunContext(should_stop=should_stop).raise_if_stopped()
        elif not event.text.startswith("Note: "):
            context.on_event(event)

    return on_event


def _report(ledger: Ledger, batch: str, context: RunContext) -> None:
    counts = ledger.counts(batch)
    total = sum(counts.values())
    rejected, failed = float(counts[State.REJECTED]), float(counts[State.FAILED])
    context.progress("batch", total - left(counts), total, "clips", rejected=rejected, failed=failed)


@contextmanager
def _lost_is_noted(context: RunContext) -> Iterator[None]:
    try:
        yield
    except LostJobError as error:
        context.log(str(error), "warning")

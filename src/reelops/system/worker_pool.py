"""Worker processes, each doing one job at a time with one thread; one that dies takes only its own job along.

The standard pools give up all work when one process dies, and media files can kill a decoder. Here it is known who had
which job: that job is answered with how its process ended, and another process takes the dead one's place. Each worker
has a pipe of its own, because a pipe that workers share needs a lock, and a worker killed while it holds that lock, or
half way through an answer, stops all others. (pebble's ProcessPool shares one: with a worker killed every 0.4 seconds
it ended with BrokenProcessPool after 4 to 9 kills, where this did all the rest of 1,200 jobs.)

A process that is killed from outside, as the kernel does where memory runs out, says little about its job: others may
have had the memory. So once all others are done that job is tried again, with no process beside it.

Ctrl-C reaches only the process that called; the workers are then ended, and whatever they had finished is kept.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
import traceback
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, TypeVar

from reelops.errors import Fault, MachineError, ReelOpsError, fault_of, is_out_of_memory

Job = TypeVar("Job")
Result = TypeVar("Result")
ReportProgress = Callable[[int], None]
Work = Callable[[Job, ReportProgress], Result]

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
POLL_SECONDS = 0.5
_starts = threading.Lock()  # the environment is one for all threads
_GRACE_SECONDS = 5.0
_READY = "ready"
_CALLER_GONE = (EOFError, BrokenPipeError, ConnectionResetError)
_BROKEN = frozenset({signal.SIGSEGV, signal.SIGABRT, signal.SIGFPE, signal.SIGILL})


@dataclass(frozen=True)
class JobResult(Generic[Result]):
    """What became of the job at `index`: its result, or in a sentence why there is none, and whose fault that is.

    Attributes:
        killed: its process was killed from outside, and so was the next one, which had no other beside it.
    """

    index: int
    result: Result | None = None
    error: str | None = None
    fault: Fault | None = None
    killed: bool = False

    def raise_machine_fault(self, what: object, but_for_killers: bool = False) -> None:
        """To be asked before the error is taken for a fact about what the job was about.

        Args:
            but_for_killers: not where it was killed: for whoever keeps no answer, so that the next run asks again.

        Raises:
            MachineError: it is none; `what` names the job.
        """
        if self.killed and but_for_killers:
            return
        if self.fault is Fault.MACHINE:
            raise MachineError(
                f"{what}: {self.error}. This says nothing about the file: what was done is kept; run it again."
            )


@dataclass(frozen=True)
class JobProgress:
    """How far the job at `index` is, in its own units."""

    index: int
    amount: int


def run_jobs(
    work: Work[Job, Result], jobs: Sequence[Job], workers: int, on_poll: Callable[[], None] | None = None
) -> Generator[JobResult[Result] | JobProgress, None, None]:
    """Does all jobs; answers come as they are ready, in no order. Closing the generator ends the workers.

    Args:
        work: a function at the top of a module, called in another process with a job and a function that it may report
            its progress to.
        jobs: anything that can be pickled.
        workers: how many processes; no more are started than there are jobs.
        on_poll: called twice a second at least; what it raises ends the workers.
    """
    again: list[int] = []
    yield from _answers(work, list(enumerate(jobs)), workers, on_poll, again)
    for index in again:
        yield from _answers(work, [(index, jobs[index])], 1, on_poll)


def _answers(
    work: Work[Job, Result],
    numbered: Sequence[tuple[int, Job]],
    workers: int,
    on_poll: Callable[[], None] | None,
    again: list[int] | None = None,
) -> Generator[JobResult[Result] | JobProgress, None, None]:
    """Of all these jobs but those whose process was killed, which go into `again`; without that, of all."""
    waiting = list(reversed(numbered))
    pool: list[_Worker] = []
    try:
        while waiting or pool:
            while waiting and len(pool) < workers:
                pool.append(_Worker.started(work))
                pool[-1].assign(*waiting.pop())
            if on_poll:
                on_poll()
            for worker in _ready(pool):
                answer = _receive(worker)
                if isinstance(answer, JobResult) and answer.killed and again is not None:
                    again.append(answer.index)
                elif isinstance(answer, JobResult) and not worker.ready:
                    yield replace(answer, killed=False)  # it is not the job that kills
                elif answer is not None:
                    yield answer
                if worker.index is None and waiting and not worker.dead:
                    worker.assign(*waiting.pop())
                elif worker.index is None:
                    pool.remove(worker)
                    worker.shut_down()
    finally:
        _terminate(pool)


def _ready(pool: Sequence[_Worker]) -> list[_Worker]:
    """Workers that have sent something, or have died."""
    readable = wait([worker.connection for worker in pool], timeout=POLL_SECONDS)
    return [worker for worker in pool if worker.connection in readable]


def _receive(worker: _Worker) -> JobResult[Any] | JobProgress | None:
    """The worker's next message, None that it is ready; once it has answered, or died, it has no job any more."""
    index = worker.index
    assert index is not None
    try:
        message = worker.connection.recv()
    except (EOFError, OSError):
        worker.process.join(_GRACE_SECONDS)
        worker.dead, worker.index = True, None
        code = worker.process.exitcode
        error = f"the process that worked on it {_end_of(code)}"
        if not worker.ready:  # nothing is known of the job, which it has not seen yet
            told = f"before it began, {error}"
            return JobResult(index, error=told, fault=Fault.MACHINE, killed=code is not None and code < 0)
        fault = _fault_of_end(code)
        return JobResult(index, error=error, fault=fault, killed=fault is Fault.MACHINE)
    if message == _READY:
        worker.ready = True
        return None
    if isinstance(message, int):
        return JobProgress(index, message)
    worker.index = None
    return JobResult(index, *message)


@dataclass
class _Worker:
    """One process of the pool, as the caller sees it."""

    process: Any
    connection: Connection
    index: int | None = None
    ready: bool = False
    dead: bool = False

    @classmethod
    def started(cls, work: Work[Any, Any]) -> _Worker:
        """Raises MachineError where this machine cannot start one now."""
        context = multiprocessing.get_context("spawn")
        try:
            ours, theirs = context.Pipe()
            with closing(theirs):
                process = context.Process(target=_serve, args=(pickle.dumps(work), theirs), daemon=True)
                with _child_environment():
                    process.start()
        except OSError as error:
            raise MachineError(
                f"cannot start a process that works: {error.strerror}. What was done is kept; run it again."
            ) from error
        return cls(process, ours)

    def assign(self, index: int, job: Any) -> None:
        self.index = index
        with suppress(BrokenPipeError):  # it has died, which is noticed in a moment
            self.connection.send(job)

    def shut_down(self) -> None:
        """Lets it end by itself, and ends it where it does not."""
        with suppress(BrokenPipeError):
            self.connection.send(None)
        self.process.join(_GRACE_SECONDS)
        _terminate([self])


@contextmanager
def _child_environment() -> Iterator[None]:
    """What a process starts with: libraries read their number of threads when they are loaded, and Ctrl-C is blocked
    from its very first instruction."""
    with _starts:
        before = {name: os.environ.get(name) for name in ONE_THREAD}
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        os.environ.update(ONE_THREAD)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _terminate(workers: Sequence[_Worker]) -> None:
    for worker in workers:
        worker.process.terminate()
    for worker in workers:
        worker.process.join(_GRACE_SECONDS)
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()
        worker.connection.close()


def _end_of(code: int | None) -> str:
    if code is None or code >= 0:
        return f"ended by itself (code {code})"
    name = signal.Signals(-code).name if -code in signal.valid_signals() else str(-code)
    if -code in _BROKEN:
        return f"was ended by {name}"
    hint = "; was there too little memory?" if -code == signal.SIGKILL else ""
    return f"was ended by {name}, twice{hint}"


def _fault_of_end(code: int | None) -> Fault:
    """A file can break a decoder; whatever else ends a process comes from outside."""
    return Fault.INPUT if code is None or code >= 0 or -code in _BROKEN else Fault.MACHINE


def _serve(pickled: bytes, connection: Connection) -> None:
    """A worker's loop: a job, an answer, until it is shut down or its caller is gone."""
    with suppress(*_CALLER_GONE):
        work = pickle.loads(pickled)  # noqa: S301 - our own function's name
        connection.send(_READY)
        while True:
            try:
                job = connection.recv()
            except _CALLER_GONE:
                raise
            except Exception as error:  # memory, above all
                answer: Any = _failure(error)
            else:
                if job is None:
                    return
                answer = _do(work, job, connection.send)
            try:
                connection.send(answer)
            except _CALLER_GONE:
                raise
            except Exception as error:  # there is no memory for it in the form in which it travels
                connection.send(_failure(error))


def _do(work: Work[Any, Any], job: Any, report: ReportProgress) -> tuple[Any, str | None, Fault | None]:
    """Result, error and fault of a job."""
    try:
        return work(job, report), None, None
    except ReelOpsError as error:
        return None, str(error), fault_of(error)
    except _CALLER_GONE:
        raise
    except Exception as error:
        return _failure(error)


def _failure(error: Exception) -> tuple[None, str, Fault]:
    """What is answered of an error that is none of ours on purpose."""
    fault = fault_of(error)
    if is_out_of_memory(error):
        return None, "there was too little memory for it; give fewer workers", Fault.MACHINE
    if fault is Fault.MACHINE:
        return None, str(error), fault
    traceback.print_exception(error)
    words = f"a fault in ReelOps ({type(error).__name__}: {error}); please report it with the lines above"
    return None, words, fault

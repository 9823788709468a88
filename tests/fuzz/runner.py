"""Tries mutants in worker processes; one that hangs, crashes its process or eats the memory is a finding, too."""

from __future__ import annotations

import multiprocessing
import pickle
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field
from importlib import metadata
from multiprocessing.connection import Connection, wait
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil

from tests.fuzz.fuzzer import Fuzzer
from tests.fuzz.worker import Outcome, serve

_POLL_SECONDS = 0.1
_START_SECONDS = 300.0


@dataclass
class Finding:
    """Mutants that fail in the same way at the same place.

    Attributes:
        name, where, told: as of the first one; see `Outcome`.
        number: of the first one.
        count: of all.
        saved: the first one's file, with its log beside it; a path below the folder of findings.
    """

    name: str
    where: str
    told: str
    number: int
    saved: str
    count: int = 1


@dataclass
class FuzzReport:
    """What a run found.

    Attributes:
        mutants: how many were tried.
        refused: how many by which class of error.
        most_mb: the most memory that one mutant took.
        libraries: versions of what parses them.
    """

    mutants: int = 0
    seed: int = 0
    passed: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    seconds: float = 0.0
    most_mb: int = 0
    libraries: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"refused": dict(sorted(self.refused.items())), "seconds": round(self.seconds, 1)}


def run_fuzzer(
    fuzzer: Fuzzer,
    numbers: Sequence[int],
    seed: int,
    findings: Path,
    workers: int = 1,
    on_progress: Callable[[int, int], None] = lambda _done, _findings: None,
) -> FuzzReport:
    """Tries the mutants of these numbers.

    Args:
        findings: a folder; a finding's file is written to a folder below it that has the fuzzer's name.
        on_progress: told how many are done, and how many of these are findings.
    """
    report = FuzzReport(seed=seed, libraries={name: metadata.version(name) for name in fuzzer.libraries})
    known: dict[tuple[str, str], Finding] = {}
    began, most = time.monotonic(), 0
    with TemporaryDirectory(prefix=f"fuzz-{fuzzer.name}-") as scratch:
        pool = _Pool(fuzzer, seed, Path(scratch))
        with closing(pool.outcomes(numbers, workers)) as outcomes:
            for outcome, log in outcomes:
                report.mutants += 1
                most = max(most, outcome.memory)
                if outcome.kind == "passed":
                    report.passed += 1
                elif outcome.kind == "refused":
                    report.refused[outcome.name] += 1
                elif (key := (outcome.name, outcome.where)) in known:
                    known[key].count += 1
                else:
                    saved = _save(fuzzer, seed, outcome, log, findings)
                    known[key] = Finding(outcome.name, outcome.where, outcome.told, outcome.number, saved)
                on_progress(report.mutants, sum(finding.count for finding in known.values()))
    report.findings = sorted(known.values(), key=lambda finding: -finding.count)
    report.seconds, report.most_mb = time.monotonic() - began, round(most / 1e6)
    return report


def _save(fuzzer: Fuzzer, seed: int, outcome: Outcome, log: str, findings: Path) -> str:
    mutant = fuzzer.make(seed, outcome.number)
    path = findings / fuzzer.name / f"{seed}-{outcome.number}{mutant.suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(mutant.data)
    path.with_name(f"{path.name}.txt").write_text(f"{outcome.name} {outcome.where}\n{outcome.told}\n{log}")
    return path.relative_to(findings).as_posix()


@dataclass
class _Pool:
    fuzzer: Fuzzer
    seed: int
    scratch: Path
    _started: int = 0

    def outcomes(self, numbers: Sequence[int], workers: int) -> Generator[tuple[Outcome, str], None, None]:
        """Every mutant's outcome, in no order, with what its worker printed. Closing it ends the workers."""
        waiting = list(numbers)[::-1]
        pool: list[_Worker] = []
        try:
            while waiting or pool:
                while waiting and len(pool) < workers:
                    pool.append(self._start())
                ready = wait([worker.connection for worker in pool], timeout=_POLL_SECONDS)
                for worker in list(pool):
                    outcome = self._answer(worker) if worker.connection in ready else self._overdue(worker)
                    if outcome is not None:
                        yield outcome, worker.log() if outcome.kind == "finding" else ""
                    if worker.ended or (worker.number is None and worker.is_up and not waiting):
                        pool.remove(worker)
                        worker.end()
                    elif worker.number is None and worker.is_up:
                        worker.assign(waiting.pop())
        finally:
            for worker in pool:
                worker.end()

    def _start(self) -> _Worker:
        self._started += 1
        folder = self.scratch / f"{self._started}"
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(
            target=serve, args=(pickle.dumps(self.fuzzer), self.seed, folder, theirs), daemon=True
        )
        process.start()
        theirs.close()
        return _Worker(process, ours, folder)

    def _answer(self, worker: _Worker) -> Outcome | None:
        try:
            message = worker.connection.recv()
        except (EOFError, OSError):
            return self._ended(worker)
        worker.is_up, worker.number = True, None
        return message

    def _ended(self, worker: _Worker) -> Outcome:
        worker.ended = True
        worker.process.join(5)
        if worker.number is None:
            raise RuntimeError(f"a worker of {self.fuzzer.name} did not start:\n{worker.log()}")
        return Outcome(worker.number, "finding", "crash", worker.place(), _end_of(worker.process.exitcode))

    def _overdue(self, worker: _Worker) -> Outcome | None:
        taken = time.monotonic() - worker.since
        if worker.number is None:
            if taken > _START_SECONDS:
                raise RuntimeError(f"a worker of {self.fuzzer.name} did not start:\n{worker.log()}")
            return None
        if taken > self.fuzzer.seconds:
            worker.end()
            return Outcome(
                worker.number, "finding", "hang", worker.place(), f"{self.fuzzer.seconds:g} s were not enough"
            )
        if (held := worker.grown()) > 2_000_000 * self.fuzzer.memory_mb:  # what is below is judged when it is done
            worker.end()
            return Outcome(worker.number, "finding", "memory", "", f"{held / 1e6:,.0f} MB and growing", held)
        return None


@dataclass
class _Worker:
    process: Any
    connection: Connection
    folder: Path
    number: int | None = None
    since: float = field(default_factory=time.monotonic)
    held_before: int = 0
    is_up: bool = False
    ended: bool = False

    def assign(self, number: int) -> None:
        self.number, self.since, self.held_before = number, time.monotonic(), self._held()
        with suppress(BrokenPipeError):  # it has died, which is noticed in a moment
            self.connection.send(number)

    def grown(self) -> int:
        return self._held() - self.held_before

    def end(self) -> None:
        self.ended = True
        self.process.kill()
        self.process.join()
        self.connection.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self) -> str:
        path = self.folder.with_suffix(".log")
        return path.read_text(errors="replace")[-20_000:] if path.exists() else ""

    def place(self) -> str:
        """The deepest line of ReelOps on the stack that the log ends with."""
        for line in self.log().splitlines():
            if line.strip().startswith("File ") and "/reelops/" in line:
                name, rest = line.split('"')[1].rsplit("/", 1)[-1], line.split("line ")[1]
                return f"{name}:{rest.replace(' in', '')}"
        return ""

    def _held(self) -> int:
        with suppress(psutil.Error):
            return int(psutil.Process(self.process.pid).memory_info().rss)
        return 0


def _end_of(code: int | None) -> str:
    return signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"

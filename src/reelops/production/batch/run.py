"""A batch from its file to its summary, for the command line and the flow alike."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reelops.errors import DONE, UNUSABLE, InputError, MachineError
from reelops.production.batch.lanes import BatchSettings, name_of_batch, work
from reelops.production.batch.requests import Problems, check_requests, read_requests
from reelops.production.batch.summary import BatchSummary, clips_of, summarise, write_summary
from reelops.production.jobs.job import State
from reelops.production.jobs.ledger import Ledger
from reelops.production.output_names import require_place
from reelops.production.producer import Producer
from reelops.progress import QUIET, RunContext


@dataclass(frozen=True)
class CheckedBatch:
    """A file of orders, how many rows it has, and those that no clip can be made of."""

    file: Path
    rows: int
    problems: Problems

    @property
    def exit_code(self) -> int:
        return UNUSABLE if self.problems.count else DONE

    @property
    def usable(self) -> int:
        """Rows that a clip can be made of."""
        return self.rows - self.problems.count

    def to_json(self) -> dict[str, Any]:
        return {"rows": self.rows, "usable": self.usable, "problems": self.problems.kept}

    def require_usable(self, leave_out: bool = False) -> None:
        """Fails where there is nothing to make, or, unless bad rows are left out, where one is bad.

        Raises:
            InputError
        """
        bad = self.problems.count
        if bad and (not leave_out or not self.usable):
            raise InputError(
                f"{bad} of {self.rows} orders cannot be made, so none was. Mend them, or leave them out "
                f"(--leave-out-bad).\n{self.problems.in_lines()}"
            )
        if not self.rows:
            raise InputError(f"{self.file} has no rows, so there is nothing to make.")


def check_batch(file: Path, producer: Producer) -> CheckedBatch:
    """Looks at every row before anything is made.

    Raises:
        InputError: the file cannot be read.
        MachineError: this machine failed.
    """
    rows, problems = check_requests(file, producer.check)
    return CheckedBatch(file, rows, problems)


@contextmanager
def open_batch(checked: CheckedBatch, folder: Path, ledger_uri: str, settings: BatchSettings) -> Iterator[Ledger]:
    """The ledger with the batch's jobs in it: new ones, and those of earlier runs into that folder, of which what
    failed waits again, and so does what was rejected where there are tries left.

    Raises:
        InputError: the folder takes no clips.
        MachineError, SettingsError: the ledger cannot be used.
    """
    require_place(folder / "clip.mp4")
    ledger = Ledger(ledger_uri)
    try:
        batch = name_of_batch(folder)
        requests = read_requests(checked.file, checked.problems.rows)
        ledger.enter(batch, (request.to_json() for request in requests))
        ledger.begin_anew(batch, State.FAILED)
        ledger.begin_anew(batch, State.REJECTED, tries_below=settings.retries)
        yield ledger
    finally:
        ledger.close()


def run_batch(
    producer: Producer,
    ledger: Ledger,
    folder: Path,
    settings: BatchSettings,
    checked: CheckedBatch,
    context: RunContext = QUIET,
    began: float | None = None,
) -> BatchSummary:
    """Makes what waits, and sums up; the summary is written however the run ends.

    Args:
        began: by `time.perf_counter`.

    Raises:
        MachineError, Cancelled: see `work`.
    """
    began, before = time.perf_counter() if began is None else began, clips_of(ledger, folder)

    def summed_up() -> BatchSummary:
        summary = summarise(ledger, folder, time.perf_counter() - began, before, checked.problems)
        write_summary(ledger, summary, checked.problems)
        return summary

    try:
        work(producer, ledger, folder, settings, context)
    except BaseException:
        with suppress(MachineError):  # a disk or a ledger that ended the run takes no summary either
            summed_up()
        raise
    return summed_up()

"""What became of a batch: its counts and pace, a table with a row per job, and the exit code that says it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reelops.errors import DONE, FAILED, REJECTED, UNUSABLE, Fault
from reelops.production.batch.lanes import name_of_batch
from reelops.production.batch.requests import Problems, Request
from reelops.production.jobs.job import Job, State
from reelops.production.jobs.ledger import Ledger
from reelops.system.files import write_csv_atomically, write_text_atomically

SUMMARY, TABLE = "batch-summary.json", "batch-table.csv"
_COLUMNS = ("position", "id", "state", "reason", "clip", "verdict", "seed", "tries", "seconds", "temporal_consistency")
_COLUMNS_OF_ORDER = ("picture", "prompt", "profile", "adapter")


@dataclass(frozen=True)
class BatchSummary:
    """What became of a batch.

    Attributes:
        folder: where its clips are.
        counts: jobs by state.
        left_out: rows of the file that no clip could be made of.
        unusable: jobs that failed for what they asked for.
        untracked: clips that MLflow did not take.
        clips: made, rejected tries included.
        seconds: wall time of this run.
        made_now: clips that the batch got meanwhile, those of other processes included.
    """

    folder: Path
    counts: Mapping[State, int]
    left_out: int
    unusable: int
    untracked: int
    clips: int
    seconds: float
    made_now: int

    @property
    def jobs(self) -> int:
        return sum(self.counts.values())

    @property
    def success_rate(self) -> float:
        """Share of jobs, those of rows left out included, that have a clip which the gate let pass."""
        return self.counts[State.DONE] / max(1, self.jobs + self.left_out)

    @property
    def exit_code(self) -> int:
        """0 all have a clip; 3 one was rejected; 2 one asked for what cannot be made; 1 another one failed."""
        unmade = (State.WAITING, State.RUNNING, State.PAUSED, State.CANCELLED)
        if self.counts[State.FAILED] > self.unusable or any(self.counts[state] for state in unmade):
            return FAILED
        if self.unusable or self.left_out:
            return UNUSABLE
        return REJECTED if self.counts[State.REJECTED] else DONE

    def to_json(self) -> dict[str, Any]:
        return {
            "folder": str(self.folder),
            "jobs": self.jobs,
            **{state.value: number for state, number in self.counts.items()},
            "left_out": self.left_out,
            "unusable": self.unusable,
            "success_rate": round(self.success_rate, 4),
            "clips": self.clips,
            "untracked": self.untracked,
            "run": {"seconds": round(self.seconds, 2), "clips": self.made_now},
        }


def summarise(ledger: Ledger, folder: Path, seconds: float, clips_before: int, problems: Problems) -> BatchSummary:
    """The summary of a batch as its ledger has it; jobs are read as they come."""
    batch = name_of_batch(folder)
    unusable = untracked = clips = 0
    for job in ledger.jobs(batch):
        result = job.result or {}
        unusable += job.state is State.FAILED and result.get("fault") == Fault.INPUT
        clips += len(result.get("tries", ()))
        untracked += sum(bool(one["not_tracked"]) for one in result.get("tries", ()))
    counts = ledger.counts(batch)
    return BatchSummary(
        folder, counts, problems.count, unusable, untracked, clips, seconds, made_now=clips - clips_before
    )


def clips_of(ledger: Ledger, folder: Path) -> int:
    """Clips that a batch has so far, rejected tries included."""
    return sum(len((job.result or {}).get("tries", ())) for job in ledger.jobs(name_of_batch(folder)))


def write_summary(ledger: Ledger, summary: BatchSummary, problems: Problems) -> tuple[Path, Path]:
    """`batch-summary.json` and `batch-table.csv` in the batch's folder."""
    told, table = summary.folder / SUMMARY, summary.folder / TABLE
    content = {**summary.to_json(), "problems": problems.kept}
    write_text_atomically(told, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    write_csv_atomically(table, (*_COLUMNS, *_COLUMNS_OF_ORDER), _rows(ledger, summary.folder))
    return told, table


def _rows(ledger: Ledger, folder: Path) -> Iterator[list[object]]:
    return (_row(job) for job in ledger.jobs(name_of_batch(folder)))


def _row(job: Job) -> list[object]:
    result: Mapping[str, Any] = job.result or {}
    facts = {
        **result,
        "position": job.position,
        "id": job.request["id"],
        "state": job.state.value,
        "reason": job.reason,
        "tries": len(result.get("tries", ())),
        "seconds": round(sum(result.get("seconds", {}).values()), 2) or None,
        "temporal_consistency": result.get("scores", {}).get("temporal_consistency"),
    }
    order = Request.from_json(job.request).order.to_json()
    return [
        *("" if facts.get(name) is None else facts[name] for name in _COLUMNS),
        *("" if order[name] is None else order[name] for name in _COLUMNS_OF_ORDER),
    ]

"""A batch as it is run on the command line: the flow, in a process of its own, and what its clips and summary say."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any

from reelops.benchmark.case import Bench
from reelops.benchmark.orders import varied
from reelops.benchmark.report import Figures
from reelops.errors import DONE, REJECTED, MachineError, SettingsError
from reelops.production.batch.summary import SUMMARY
from reelops.progress import RunContext
from reelops.settings import find_checkout

WORK = ("encode", "denoise", "decode", "draw", "detail", "write", "score")
"""Stages of a clip that are work on it; all else (ledger, Prefect, MLflow, waiting) is orchestration."""
POLL_SECONDS = 0.2
_NOT_FOR_COMMANDS = ("MLFLOW_TRACKING_URI", "REELOPS_MLFLOW_TRACKING_URI", "REELOPS_LEDGER_URI", "PREFECT_API_URL")


class Batch:
    """A file of orders, and a home and a folder for its clips alone."""

    def __init__(self, folder: Path, jobs: Path, count: int, environment: Mapping[str, str]) -> None:
        self._folder, self._jobs, self._count, self._environment = folder, jobs, count, environment
        self._clips = folder / "clips"

    @classmethod
    def laid_out(
        cls,
        bench: Bench,
        name: str,
        count: int,
        fields: Mapping[str, Any],
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> Batch:
        folder = bench.scratch / name
        folder.mkdir()
        orders = [
            {"picture": str(picture.absolute()), "prompt": prompt, "seed": seed, **fields}
            for seed, prompt, picture in islice(varied(bench), count)
        ]
        jobs = folder / "jobs.json"
        jobs.write_text(json.dumps(orders))
        return cls(folder, jobs, count, environment)

    def start(self, *options: str) -> subprocess.Popen[str]:
        """The flow, in a session of its own."""
        kept = {name: value for name, value in os.environ.items() if name not in _NOT_FOR_COMMANDS}
        command = [sys.executable, "-m", "flows", "generate-batch", str(self._jobs), str(self._clips), *options]
        return subprocess.Popen(  # noqa: S603 - our own command
            [*command, "--retries", "0"],
            cwd=_checkout(),
            env={**kept, "REELOPS_HOME": str(self._folder / "home"), **self._environment},
            stdout=subprocess.DEVNULL,
            stderr=(self._folder / "said.txt").open("w"),
            text=True,
            start_new_session=True,
        )

    def run_to_its_end(self, context: RunContext, *options: str) -> None:
        """Raises MachineError where it fails; a rejected clip is a clip, too."""
        process = self.start(*options)
        try:
            while process.poll() is None:
                context.progress(self._folder.name, len(self.made()), self._count, "clips")
                time.sleep(POLL_SECONDS)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        if process.returncode not in (DONE, REJECTED):
            said = (self._folder / "said.txt").read_text()[-500:]
            raise MachineError(f"The batch ended with code {process.returncode}: {said}")

    def made(self) -> dict[str, int]:
        """When each clip was written."""
        return {path.name: path.stat().st_mtime_ns for path in self._clips.glob("*.mp4")}

    def first_begun(self) -> float:
        """When the first clip was begun, in seconds since the epoch; its sidecar is written at its end."""
        sidecars = [clip.with_suffix(".json") for clip in self._clips.glob("*.mp4")]
        taken = {path: json.loads(path.read_text())["seconds"].values() for path in sidecars}
        return min(path.stat().st_mtime - float(sum(seconds)) for path, seconds in taken.items())

    def figures(self, seconds: float) -> Figures:
        summary = json.loads((self._clips / SUMMARY).read_text())
        takes = [json.loads(clip.with_suffix(".json").read_text()) for clip in self._clips.glob("*.mp4")]
        stages: dict[str, float] = {}
        for take in takes:
            for stage, value in take["seconds"].items():
                stages[stage] = stages.get(stage, 0.0) + value
        work = sum(stages.get(stage, 0.0) for stage in WORK)
        ended = summary["done"] + summary["rejected"]
        return {
            "clips": len(takes),
            "seconds": round(seconds, 2),
            "clips_an_hour": round(3600 * len(takes) / seconds, 1),
            "with_a_clip": ended / summary["jobs"],
            "rejected": summary["rejected"],
            "tracked": sum(take["tracking"] is not None for take in takes),
            "seconds_of_work_a_clip": round(work / max(1, len(takes)), 3),
            "stages": {stage: round(value / max(1, len(takes)), 3) for stage, value in sorted(stages.items())},
        }


def _checkout() -> Path:
    """Where flows are, which are not installed.

    Raises:
        SettingsError: ReelOps runs from a wheel.
    """
    if (folder := find_checkout()) is None:
        raise SettingsError("Batches are measured as flow runs, and flows run from a checkout; clone ReelOps for it.")
    return folder

"""`reelops benchmark batch`: clips an hour, what is not work on clips, a batch that is killed, and memory over time."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice, product
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from reelops.benchmark.case import Bench, Case, Part
from reelops.benchmark.report import Figures
from reelops.benchmark.small import SMALL, with_small_profile
from reelops.benchmark.table import Table
from reelops.benchmark.target import Target, at_least, at_most
from reelops.clip import ClipOrder
from reelops.errors import DONE, REJECTED, MachineError, SettingsError
from reelops.production.batch.summary import SUMMARY
from reelops.progress import RunContext
from reelops.settings import find_checkout

CLIPS, CLIPS_ALONE, CLIPS_KILLED = 60, 10, 12
PROMPTS = ("slow zoom in", "zoom out", "pan left", "pan right", "tilt up", "tilt down")
WORK = ("encode", "denoise", "decode", "draw", "detail", "write", "score")
"""Stages of a clip that are work on it; all else (ledger, Prefect, MLflow, waiting) is orchestration."""
_POLL_SECONDS = 0.2
_NOT_FOR_COMMANDS = ("MLFLOW_TRACKING_URI", "REELOPS_MLFLOW_TRACKING_URI", "REELOPS_LEDGER_URI", "PREFECT_API_URL")


def measure_pace(bench: Bench, context: RunContext, clips: int = CLIPS, **fields: Any) -> Figures:
    """A batch as a flow run, with scores, gate, ledger, Prefect and MLflow, in as many lanes as it takes by itself.

    Args:
        fields: of every order, beside picture, prompt and seed.
    """
    batch = _Batch.laid_out(bench, "pace", clips, fields)
    began = time.perf_counter()
    batch.run_to_its_end(context)
    return batch.figures(time.perf_counter() - began)


def measure_plain(bench: Bench, context: RunContext, clips: int = CLIPS) -> Figures:
    """The same with clips as they are generated: `--detail off`."""
    batch = _Batch.laid_out(bench, "plain", clips, {"detail": "off"})
    began = time.perf_counter()
    batch.run_to_its_end(context)
    return batch.figures(time.perf_counter() - began)


def measure_alone(bench: Bench, context: RunContext, clips: int = CLIPS_ALONE, **fields: Any) -> Figures:
    """The same with one clip at a time, so that seconds of stages do not overlap and what is left is orchestration."""
    batch = _Batch.laid_out(bench, "alone", clips, fields)
    began, began_at = time.perf_counter(), time.time()
    batch.run_to_its_end(context, "--at-once", "1")
    found = batch.figures(time.perf_counter() - began)
    return with_orchestration(found, batch.first_begun() - began_at)


def with_orchestration(found: Figures, begun_after: float) -> Figures:
    """The figures of clips made one at a time, and what of a batch of 60 is not work on clips, by them.

    Args:
        begun_after: seconds from the start to the first clip.
    """
    start = begun_after + found["stages"].get("load", 0.0) * found["clips"]
    work = found["seconds_of_work_a_clip"]
    rest = (found["seconds"] - start) / found["clips"] - work
    return {
        **found,
        "seconds_to_start": round(start, 2),
        "seconds_of_orchestration_a_clip": round(rest, 3),
        "orchestration": round((start + CLIPS * rest) / (start + CLIPS * (rest + work)), 4),
    }


def measure_killed(
    bench: Bench, context: RunContext, clips: int = CLIPS_KILLED, server: str | None = None, **fields: Any
) -> Figures:
    """A batch that is killed by SIGKILL once half of its clips are there, and run again.

    Args:
        server: address of a Prefect server; None gives each run one of its own.
    """
    batch = _Batch.laid_out(bench, "killed", clips, fields, {"PREFECT_API_URL": server} if server else {})
    began = time.perf_counter()
    process = batch.start()
    while len(batch.made()) < clips // 2 and process.poll() is None:
        context.progress("killed", len(batch.made()), clips, "clips")
        time.sleep(_POLL_SECONDS)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    before = batch.made()
    batch.run_to_its_end(context)
    after = batch.made()
    remade = sum(after.get(name) != when for name, when in before.items())
    return {**batch.figures(time.perf_counter() - began), "at_the_kill": len(before), "made_twice": remade}


class _Batch:
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
    ) -> _Batch:
        folder = bench.scratch / name
        folder.mkdir()
        wanted = product(range(count), PROMPTS, bench.files("pictures"))
        orders = [
            {"picture": str(picture.absolute()), "prompt": prompt, "seed": seed, **fields}
            for seed, prompt, picture in islice(wanted, count)
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
                time.sleep(_POLL_SECONDS)
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


def measure_memory(bench: Bench, context: RunContext, orders: int = 200, **fields: Any) -> Figures:
    """Resident memory of this process after each of so many clips of the embedded model, and its slope."""
    from reelops.generators.catalogue import Generators

    generators = Generators(bench.config)
    return _followed(bench, context, orders, fields, lambda order: generators.of(order).generate(order).read_frames())


def measure_line_memory(bench: Bench, context: RunContext, orders: int = 200, **fields: Any) -> Figures:
    """The same over the whole production line, from the order to the verdict, of clips by a small network."""
    from reelops.production.producer import build_producer

    producer = build_producer(with_small_profile(bench.config))
    clip = bench.scratch / "clip.mp4"

    def make(order: ClipOrder) -> None:
        producer.produce(order, clip, track=False)
        for path in bench.scratch.glob("clip.*"):
            path.unlink()

    return _followed(bench, context, orders, {"profile": SMALL, **fields}, make)


def _followed(
    bench: Bench, context: RunContext, orders: int, fields: Mapping[str, Any], make: Callable[[ClipOrder], object]
) -> Figures:
    """Memory after each order. The first quarter is left out of the slope: allocators and caches fill up."""
    import psutil

    process, used_mb = psutil.Process(), []
    wanted = product(range(orders), PROMPTS, bench.files("pictures"))
    for number, (seed, prompt, picture) in enumerate(islice(wanted, orders)):
        context.raise_if_stopped()
        make(ClipOrder(picture=picture, prompt=prompt, seed=seed, **fields))
        used_mb.append(process.memory_info().rss / 1e6)
        context.progress("memory", number + 1, orders, "clips")
    settled = used_mb[orders // 4 :]
    return {
        "orders": orders,
        "first_mb": used_mb[0],
        "settled_mb": settled[0],
        "last_mb": used_mb[-1],
        **slope_of(settled),
    }


def slope_of(values: Sequence[float]) -> Figures:
    """The slope of a series by least squares, and the 95 % interval around it.

    Memory goes up and down in steps that last for many orders, so what is left beside the line is no independent noise:
    the error is that of Newey and West (1987), Bartlett's weights over the nearest neighbours.
    """
    from scipy.stats import t as student

    heights, count = np.asarray(values, dtype=np.float64), len(values)
    places = np.arange(count) - (count - 1) / 2
    spread = float(places @ places)
    slope = float(places @ heights) / spread
    left = places * (heights - heights.mean() - slope * places)
    lags = math.floor(4 * (count / 100) ** (2 / 9))
    covariance = float(left @ left)
    for lag in range(1, min(lags, count - 1) + 1):
        covariance += 2 * (1 - lag / (lags + 1)) * float(left[lag:] @ left[:-lag])
    error = math.sqrt(max(0.0, covariance) * count / (count - 2)) / spread
    width = float(student.ppf(0.975, count - 2)) * error
    return {"mb_an_order": slope, "low": slope - width, "high": slope + width}


def _memory_tables(found: Figures) -> Iterator[Table]:
    columns = {
        "Orders": "orders",
        "MB after the first": "first_mb",
        "After a quarter": "settled_mb",
        "After the last": "last_mb",
        "MB per order, from then on": "mb_an_order",
        "95 % interval from": "low",
        "to": "high",
    }
    yield Table.of("Memory over many orders in one process", [found], columns)


def _memory_targets(found: Figures) -> Iterator[Target]:
    yield at_most("MB that an order surely leaves behind: lower end of the interval", found["low"], 0)
    yield at_most("MB that an order may leave behind: upper end of the interval", found["high"], 1)


_COLUMNS = {
    "Clips": "clips",
    "Seconds": "seconds",
    "Clips an hour": "clips_an_hour",
    "Orders with a clip": "with_a_clip",
    "Rejected by the gate": "rejected",
    "In MLflow": "tracked",
    "Seconds of work per clip": "seconds_of_work_a_clip",
}


def _pace_tables(found: Figures) -> Iterator[Table]:
    yield Table.of("Side by side, as a flow run", [found], _COLUMNS)
    yield Table.of(
        "Seconds of each stage per clip, those of clips beside it included", [found["stages"]], _named(found)
    )


def _alone_tables(found: Figures) -> Iterator[Table]:
    further = {
        "Seconds to start, with the model": "seconds_to_start",
        "of orchestration per clip": "seconds_of_orchestration_a_clip",
        f"Share of both in a batch of {CLIPS}": "orchestration",
    }
    yield Table.of("One at a time", [found], {**_COLUMNS, **further})
    yield Table.of("Seconds of each stage per clip", [found["stages"]], _named(found))


def _killed_tables(found: Figures) -> Iterator[Table]:
    columns = {"Clips at the kill": "at_the_kill", **_COLUMNS, "Made twice": "made_twice"}
    yield Table.of("Killed by SIGKILL, and run again", [found], columns)


def _named(found: Figures) -> dict[str, str]:
    return {stage: stage for stage in found["stages"]}


def _pace_targets(found: Figures) -> Iterator[Target]:
    yield at_least("clips an hour", found["clips_an_hour"], 300, aim=500)


def _alone_targets(found: Figures) -> Iterator[Target]:
    yield at_most(f"share of the time of {CLIPS} clips that is not work on them", found["orchestration"], 0.1)


def _killed_targets(found: Figures) -> Iterator[Target]:
    yield at_least("share of orders with a clip after a kill", found["with_a_clip"], 1.0)
    yield at_most("clips made twice", found["made_twice"], 0)


BATCH = Case(
    name="batch",
    title="Many clips from a file",
    measures="clips an hour of the embedded model, what is not work on clips, and a batch that is killed amid its work",
    report=Path("reports/benchmark/batch.json"),
    with_torch=True,
    parts=(
        Part(
            "pace",
            "60 clips of the embedded model, 49 frames, 480 rows, with scores, gate, ledger, Prefect and MLflow",
            900,
            measure_pace,
            _pace_tables,
            _pace_targets,
            ("pictures",),
        ),
        Part(
            "plain",
            "60 clips as they are generated (--detail off), otherwise the same",
            300,
            measure_plain,
            _pace_tables,
            _pace_targets,
            ("pictures",),
        ),
        Part(
            "alone",
            f"{CLIPS_ALONE} clips, one at a time: the share of the time that is not work on clips",
            150,
            measure_alone,
            _alone_tables,
            _alone_targets,
            ("pictures",),
        ),
        Part(
            "killed",
            "12 clips, killed by SIGKILL half way and run again: what is lost, and what is made twice",
            300,
            measure_killed,
            _killed_tables,
            _killed_targets,
            ("pictures",),
        ),
        Part(
            "memory",
            "200 orders in one process: whether memory returns to its level after each; by name only",
            1200,
            measure_memory,
            _memory_tables,
            _memory_targets,
            ("pictures",),
            by_default=False,
        ),
        Part(
            "line",
            "200 orders of a small network in one process, from the order to the verdict: the same; by name only",
            300,
            measure_line_memory,
            _memory_tables,
            _memory_targets,
            ("pictures",),
            by_default=False,
        ),
    ),
)

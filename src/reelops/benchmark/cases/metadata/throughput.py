"""Probe, window and statistics of a clip, by us and by a plain OpenCV loop: processor time, and the same numbers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from reelops.benchmark.case import Bench, Part
from reelops.benchmark.cases.metadata.opencv_loop import measure_plainly
from reelops.benchmark.report import Figures
from reelops.benchmark.table import Table
from reelops.benchmark.timing import by_turns
from reelops.dataset.metadata.measure import Measured, measure
from reelops.dataset.metadata.params import MetadataParams, load_metadata_params
from reelops.progress import RunContext

ROUNDS = 3


def measure_throughput(bench: Bench, context: RunContext) -> Figures:
    """Each clip by both ways in turn: the least of the processor times, of all threads. Clips that are shorter than a
    window, or longer than what is searched for one, are left out."""
    params, clips, rows = load_metadata_params(bench.config), bench.files("data_clips"), list[dict[str, Any]]()
    for number, clip in enumerate(clips):
        context.progress("throughput", number, len(clips), "clips", clip.name)
        ours = _measure(clip, params)
        if ours.reason or ours.duration_seconds is None or ours.duration_seconds > params.window.search_seconds:
            continue
        ways = {"ours": partial(_measure, clip, params), "opencv": partial(measure_plainly, clip, params)}
        took = by_turns(ways, ROUNDS)
        seconds = {name: min(run.cpu for run in runs) for name, runs in took.items()}
        rows.append(_row(clip, ours, measure_plainly(clip, params), seconds["ours"], seconds["opencv"]))
    total = {name: sum(row[f"{name}_cpu_seconds"] for row in rows) for name in ("ours", "opencv")}
    return {
        "clips": rows,
        "clips_a_minute_a_core": {name: 60 * len(rows) / seconds for name, seconds in total.items()},
        "times_less_cpu": total["opencv"] / total["ours"],
    }


def _measure(clip: Path, params: MetadataParams) -> Measured:
    return measure(clip, None, params.window, params.limits, "benchmark")


def _row(clip: Path, ours: Measured, theirs: Measured, our_seconds: float, their_seconds: float) -> dict[str, Any]:
    return {
        "clip": clip.name,
        "seconds": ours.duration_seconds,
        "size": f"{ours.width}x{ours.height}",
        "ours_cpu_seconds": our_seconds,
        "opencv_cpu_seconds": their_seconds,
        "times_less_cpu": their_seconds / our_seconds,
        "start_seconds": [ours.start_seconds, theirs.start_seconds],
        "motion": [ours.motion, theirs.motion],
        "sharpness": [ours.sharpness, theirs.sharpness],
    }


def _tables(found: Figures) -> Iterator[Table]:
    columns = {
        "Clip": "clip",
        "Size": "size",
        "Seconds": "seconds",
        "Ours, processor s": "ours_cpu_seconds",
        "OpenCV loop, processor s": "opencv_cpu_seconds",
        "Times less": "times_less_cpu",
    }
    yield Table.of("Looking at a clip: probe, window and statistics", found["clips"], columns)
    rates = {name: round(rate, 1) for name, rate in found["clips_a_minute_a_core"].items()}
    row = {**rates, "times_less_cpu": found["times_less_cpu"]}
    columns = {"Ours": "ours", "OpenCV loop": "opencv", "Times less processor time": "times_less_cpu"}
    yield Table.of("Clips per minute and core", [row], columns)


THROUGHPUT = Part(
    "throughput",
    "probe, window and statistics of a clip, beside a plain OpenCV loop that does the same: processor seconds of all "
    "threads, least of three rounds",
    90,
    measure_throughput,
    _tables,
    files=("data_clips",),
)

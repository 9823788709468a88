"""What scoring costs in time and memory: one clip, warm and from a cold start, a folder, and long clips."""

from __future__ import annotations

import json
import shutil
import struct
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np

from reelops.benchmark.case import Bench, Part
from reelops.benchmark.own_process import CommandResult, run_command
from reelops.benchmark.report import Figures
from reelops.benchmark.table import Table
from reelops.benchmark.target import Target, at_least, at_most
from reelops.benchmark.timing import timed
from reelops.errors import DONE, REJECTED
from reelops.metrics.settings import load_score_settings
from reelops.metrics.suite import score_clip
from reelops.progress import RunContext
from reelops.video.decode import read_frames
from reelops.video.encode import encode
from reelops.video.probe import probe

ROUNDS = 3
FOLDER_COPIES = 6
SECONDS_OF_CLIPS = (6, 60, 600)
"""How long the clips are whose memory is measured."""


def run_score(bench: Bench, *arguments: str, home: str = "home", **environment: str) -> CommandResult:
    """`reelops score` in a process of its own, with stores of its own and the bench's settings.

    Args:
        arguments: of the command.
        home: the folder within the bench's scratch where it keeps its stores.
        environment: variables on top of this process's.

    Raises:
        MachineError: it failed. Clips that are rejected are no failure.
    """
    places = {"REELOPS_HOME": str(bench.scratch / home), "REELOPS_PARAMS_FILE": str(bench.config.params_file)}
    return run_command(
        [sys.executable, "-m", "reelops.cli", "score", *arguments], {**places, **environment}, (DONE, REJECTED)
    )


def measure_suite(bench: Bench, context: RunContext) -> Figures:
    """The whole default suite, from file to scores, in this process, warm: the quickest of three runs per clip."""
    clips, settings = bench.files("product_clips"), load_score_settings(bench.config)
    score_clip(clips[0], None, None, settings)
    rows = list[dict[str, Any]]()
    for number, clip in enumerate(clips):
        context.progress("suite", number, len(clips), "clips", f"the suite on {clip.name}")
        runs = [timed(partial(score_clip, clip, None, None, settings))[1] for _ in range(ROUNDS)]
        info = probe(clip)
        rows.append(
            {
                "clip": clip.name,
                "frames": info.num_frames,
                "size": f"{info.width}x{info.height}",
                "wall": min(run.wall for run in runs),
                "cpu": min(run.cpu for run in runs),
                "walls": [run.wall for run in runs],
            }
        )
    seconds = [row["wall"] for row in rows]
    return {"clips": rows, "slowest": max(seconds), "mean": mean(seconds)}


def _suite_tables(found: Figures) -> Iterator[Table]:
    columns = {"Clip": "clip", "Frames": "frames", "Size": "size", "Seconds": "wall", "Processor seconds": "cpu"}
    yield Table.of("The default suite on one clip, warm, in one process", found["clips"], columns)


def _suite_targets(found: Figures) -> Iterator[Target]:
    yield at_most("seconds for the slowest clip, warm", found["slowest"], 2.0, aim=1.0)


SUITE = Part(
    "suite",
    "the default suite from file to scores on every clip of the product's format, warm: the quickest of three runs",
    40,
    measure_suite,
    _suite_tables,
    _suite_targets,
    ("product_clips",),
)


def measure_cold_start(bench: Bench, context: RunContext) -> Figures:
    """`reelops score CLIP` from nothing to its end; and once more where no compiled code is kept yet."""
    clip, runs = bench.files("product_clips")[0], []
    for number in range(ROUNDS):
        context.progress("cold", number, ROUNDS + 1, "runs", f"a fresh process on {clip.name}")
        runs.append(run_score(bench, str(clip), "--json", "--fresh").seconds)
    context.progress("cold", ROUNDS, ROUNDS + 1, "runs", "a fresh process that compiles first")
    compiled = str(bench.scratch / "compiled")
    first = run_score(bench, str(clip), "--json", "--fresh", NUMBA_CACHE_DIR=compiled).seconds
    best = min(runs, key=lambda run: run.wall)
    return {
        "clip": clip.name,
        **best.to_json(),
        "walls": [run.wall for run in runs],
        "first_ever": first.to_json(),
    }


def _cold_tables(found: Figures) -> Iterator[Table]:
    rows = [
        {"what": "compiled code is kept", "wall": found["wall"], "cpu": found["cpu"]},
        {"what": "first run ever: it compiles", **found["first_ever"]},
    ]
    columns = {"A fresh process": "what", "Seconds": "wall", "Processor seconds": "cpu"}
    yield Table.of("`reelops score CLIP` from start to end", rows, columns)


def _cold_targets(found: Figures) -> Iterator[Target]:
    yield at_most("seconds for `reelops score CLIP` in a fresh process", found["wall"], 5.0)


COLD = Part(
    "cold",
    "`reelops score CLIP` in a fresh process; and once where no compiled code is kept",
    30,
    measure_cold_start,
    _cold_tables,
    _cold_targets,
    ("product_clips",),
)


def measure_folder(bench: Bench, context: RunContext, copies: int = FOLDER_COPIES) -> Figures:
    """`reelops score FOLDER` on a folder with so many copies of each clip, which differ in their last bytes."""
    folder, answer = bench.scratch / "clips", bench.scratch / "scores.json"
    folder.mkdir()
    clips = [_copy(clip, folder, number) for clip in bench.files("product_clips") for number in range(copies)]
    context.progress("folder", 0, len(clips), "clips", f"a folder of {len(clips)} clips")
    ran = run_score(bench, str(folder), "--json", str(answer))
    scored = json.loads(answer.read_text())
    return {
        "clips": len(scored),
        "not_scored": sum(one["scores"] is None for one in scored),
        **ran.seconds.to_json(),
        "clips_per_hour": len(scored) / ran.seconds.wall * 3600,
        "largest_process_mb": ran.peak_mb,
    }


def _copy(clip: Path, folder: Path, number: int) -> Path:
    """A copy whose digest is its own: an empty box (ISO/IEC 14496-12 section 8.1.2) with a number at its end."""
    path = folder / f"{clip.stem}-{number}{clip.suffix}"
    shutil.copyfile(clip, path)
    path.chmod(0o644)
    with path.open("ab") as file:
        file.write(struct.pack(">I4sQ", 16, b"free", number))
    return path


def _folder_tables(found: Figures) -> Iterator[Table]:
    columns = {"Clips": "clips", "Seconds": "wall", "Processor seconds": "cpu", "Clips per hour": "clips_per_hour"}
    yield Table.of("`reelops score FOLDER`", [{**found, "clips_per_hour": round(found["clips_per_hour"])}], columns)


def _folder_targets(found: Figures) -> Iterator[Target]:
    yield at_least("clips per hour by `reelops score FOLDER`", found["clips_per_hour"], 1800)


FOLDER = Part(
    "folder",
    "`reelops score FOLDER` on six copies of every clip of the product's format",
    60,
    measure_folder,
    _folder_tables,
    _folder_targets,
    ("product_clips",),
)


def measure_memory(bench: Bench, context: RunContext, lengths: Sequence[int] = SECONDS_OF_CLIPS) -> Figures:
    """Peak memory of `reelops score` on long clips, made of the clips' own frames.

    Args:
        lengths: of the clips, in seconds.
    """
    clips = bench.files("product_clips")
    info, total, done, rows = probe(clips[0]), sum(lengths), 0.0, list[dict[str, Any]]()
    for seconds in lengths:
        path = bench.scratch / f"{seconds}-seconds.mp4"
        context.progress("memory", done, total, "seconds", f"making a clip of {seconds} s")
        encode(islice(_frames_of(clips), int(seconds * info.fps)), path, info.fps, "fast")
        context.progress("memory", done + 0.2 * seconds, total, "seconds", f"scoring a clip of {seconds} s")
        ran = run_score(bench, str(path), "--json", "--fresh")
        done += seconds
        rows.append(
            {
                "seconds": seconds,
                "frames": json.loads(ran.output)["format"]["num_frames"],
                "size": f"{info.width}x{info.height}",
                "peak_mb": ran.peak_mb,
                **ran.seconds.to_json(),
            }
        )
        path.unlink()
    return {"clips": rows, "most_mb": max(row["peak_mb"] for row in rows)}


def _frames_of(clips: Sequence[Path]) -> Iterator[np.ndarray]:
    """Frames of one clip after the other, without end, all of the first one's size."""
    info = probe(clips[0])
    for clip in cycle(clips):
        yield from (shown.frame_HWC for shown in read_frames(clip, size=(info.width, info.height)))


def _memory_tables(found: Figures) -> Iterator[Table]:
    columns = {
        "Seconds of clip": "seconds",
        "Frames": "frames",
        "Size": "size",
        "Peak MB": "peak_mb",
        "Seconds": "wall",
    }
    yield Table.of("Memory by the length of the clip", found["clips"], columns)


def _memory_targets(found: Figures) -> Iterator[Target]:
    longest = found["clips"][-1]
    yield at_most(f"peak MB for a clip of {longest['seconds']} s", longest["peak_mb"], 600)


MEMORY = Part(
    "memory",
    "peak memory of `reelops score` on clips of 6 s, 1 minute and 10 minutes, made on the fly",
    180,
    measure_memory,
    _memory_tables,
    _memory_targets,
    ("product_clips",),
)

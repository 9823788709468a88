"""What scoring costs, in time and memory, and that it gives the same numbers however it is done."""

from __future__ import annotations

import json
import shutil
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from reelops.benchmark.machine import Ran, score_command
from reelops.metrics.scores import Scores
from reelops.metrics.suite import ScoreSettings, load_score_settings, score_clip
from reelops.params import load_config
from reelops.system.worker_pool import ONE_THREAD
from reelops.video.decode import read_frames
from reelops.video.encode import encode
from reelops.video.probe import probe

OnStep = Callable[[str, float], None]
"""Told what is done now, and how much of the part is done: [0, 1]."""

REPEATS = 3
FOLDER_COPIES = 6
SECONDS_OF_CLIPS = (6, 60, 600)
"""How long the clips are whose memory is measured."""


@dataclass(frozen=True)
class Bench:
    """What is scored.

    Attributes:
        clips: of the product's format.
        params_file: whose settings count.
        scratch: a folder for what is made on the way.
    """

    clips: Sequence[Path]
    params_file: Path
    scratch: Path

    @property
    def settings(self) -> ScoreSettings:
        return load_score_settings(load_config(params_file=self.params_file))

    def score(self, *arguments: str, home: str = "home", **environment: str) -> Ran:
        """`reelops score` in a process of its own, with stores of its own."""
        return score_command(arguments, self.scratch / home, self.params_file, **environment)


def suite(bench: Bench, on_step: OnStep) -> dict[str, Any]:
    """The whole default suite, from file to scores, in this process, warm: the quickest of three runs a clip."""
    settings = bench.settings
    score_clip(bench.clips[0], None, None, settings)
    rows = []
    for number, clip in enumerate(bench.clips):
        on_step(f"the suite on {clip.name}", number / len(bench.clips))
        walls, cpus = zip(*(_timed(clip, settings) for _ in range(REPEATS)), strict=True)
        info = probe(clip)
        rows.append(
            {
                "clip": clip.name,
                "frames": info.num_frames,
                "size": f"{info.width}x{info.height}",
                "wall": min(walls),
                "cpu": min(cpus),
                "walls": walls,
            }
        )
    seconds = [row["wall"] for row in rows]
    return {"clips": rows, "slowest": max(seconds), "mean": float(np.mean(seconds))}


def _timed(clip: Path, settings: ScoreSettings) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    score_clip(clip, None, None, settings)
    return time.perf_counter() - wall, time.process_time() - cpu


def cold(bench: Bench, on_step: OnStep) -> dict[str, Any]:
    """`reelops score CLIP` from nothing to its end; and once more where no compiled code is kept yet."""
    clip, runs = bench.clips[0], []
    for number in range(REPEATS):
        on_step(f"a fresh process on {clip.name}", number / (REPEATS + 1))
        runs.append(bench.score(str(clip), "--json", "--fresh"))
    on_step("a fresh process that compiles first", REPEATS / (REPEATS + 1))
    first = bench.score(str(clip), "--json", "--fresh", NUMBA_CACHE_DIR=str(bench.scratch / "compiled"))
    best = min(runs, key=lambda run: run.wall)
    return {
        "clip": clip.name,
        "wall": best.wall,
        "cpu": best.cpu,
        "walls": [run.wall for run in runs],
        "first_ever": {"wall": first.wall, "cpu": first.cpu},
    }


def folder(bench: Bench, on_step: OnStep) -> dict[str, Any]:
    """`reelops score FOLDER` on a folder with six copies of each clip, told apart by their last bytes."""
    place = bench.scratch / "clips"
    place.mkdir()
    copies = [_copy(clip, place, number) for clip in bench.clips for number in range(FOLDER_COPIES)]
    on_step(f"a folder of {len(copies)} clips", 0.0)
    ran = bench.score(str(place), "--json", str(bench.scratch / "scores.json"), home="folder")
    scored = json.loads((bench.scratch / "scores.json").read_text())
    return {
        "clips": len(scored),
        "not_scored": sum(one["scores"] is None for one in scored),
        "wall": ran.wall,
        "cpu": ran.cpu,
        "clips_an_hour": len(scored) / ran.wall * 3600,
        "largest_process_mb": ran.peak_mb,
    }


def _copy(clip: Path, place: Path, number: int) -> Path:
    """A copy that is another file to whoever goes by digests: an empty box with a number at its end."""
    path = place / f"{clip.stem}-{number}{clip.suffix}"
    shutil.copyfile(clip, path)
    path.chmod(0o644)
    with path.open("ab") as file:
        file.write(struct.pack(">I4sQ", 16, b"free", number))
    return path


def memory(bench: Bench, on_step: OnStep) -> dict[str, Any]:
    """Peak memory of `reelops score` on clips of six seconds, a minute and ten, made of the clips' own frames."""
    total, done, rows = sum(SECONDS_OF_CLIPS), 0, []
    info = probe(bench.clips[0])
    for seconds in SECONDS_OF_CLIPS:
        path = bench.scratch / f"{seconds}-seconds.mp4"
        on_step(f"making a clip of {seconds} s", done / total)
        encode(islice(_round_and_round(bench.clips), int(seconds * info.fps)), path, info.fps, "fast")
        on_step(f"scoring a clip of {seconds} s", (done + 0.2 * seconds) / total)
        ran = bench.score(str(path), "--json", "--fresh")
        done += seconds
        rows.append(
            {
                "seconds": seconds,
                "frames": json.loads(ran.output)["format"]["num_frames"],
                "size": f"{info.width}x{info.height}",
                "peak_mb": ran.peak_mb,
                "wall": ran.wall,
                "cpu": ran.cpu,
            }
        )
        path.unlink()
    return {"clips": rows, "most_mb": max(row["peak_mb"] for row in rows)}


def _round_and_round(clips: Sequence[Path]) -> Iterator[np.ndarray]:
    """Frames of one clip after the other, for ever, all of the first one's size."""
    info = probe(clips[0])
    for clip in cycle(clips):
        yield from (timed.frame_HWC for timed in read_frames(clip, size=(info.width, info.height)))


def sameness(bench: Bench, on_step: OnStep) -> dict[str, Any]:
    """Whether a clip's scores are equal, digit for digit, however they are found."""
    clip, settings = bench.clips[0], bench.settings
    on_step("scores in this process", 0.0)
    expected = _plain(score_clip(clip, None, None, settings))
    found = {f"opencv_with_{count}_threads": _with_opencv_threads(count, clip, settings) for count in (1, 2, 5)}
    on_step("scores on two threads at once", 0.3)
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(score_clip, clip, None, None, settings) for _ in range(2)]
        found |= {f"thread_{number}_of_2": _plain(one.result()) for number, one in enumerate(both, start=1)}
    for count in (1, 4):
        on_step(f"scores in a process of {count} threads", 0.5 + count / 20)
        threads = dict.fromkeys((*ONE_THREAD, "OPENCV_FOR_THREADS_NUM"), str(count))
        ran = bench.score(str(clip), "--json", "--fresh", **threads)
        found[f"process_of_{count}_threads"] = json.loads(ran.output)["scores"]
    on_step("scores of a folder", 0.8)
    found |= _in_folders(bench)
    return {"clip": clip.name, "equal": {name: scores == expected for name, scores in found.items()}}


def _plain(scores: Scores) -> dict[str, float | None]:
    plain: dict[str, float | None] = json.loads(json.dumps(dict(scores)))
    return plain


def _with_opencv_threads(count: int, clip: Path, settings: ScoreSettings) -> dict[str, float | None]:
    before = cv2.getNumThreads()
    cv2.setNumThreads(count)
    try:
        return _plain(score_clip(clip, None, None, settings))
    finally:
        cv2.setNumThreads(before)


def _in_folders(bench: Bench) -> dict[str, dict[str, float | None]]:
    """The first clip's scores beside the others', by one process and by two."""
    found = {}
    for workers in ("1", "2"):
        ran = bench.score(*map(str, bench.clips[:3]), "--json", "--fresh", "-j", workers)
        scored = json.loads(ran.output)
        found[f"among_others_by_{workers}"] = (scored[0] if isinstance(scored, list) else scored)["scores"]
    return found

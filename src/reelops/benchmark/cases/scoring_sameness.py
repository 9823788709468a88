"""Whether a clip's scores are equal, digit for digit, however they are measured."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2

from reelops.benchmark.case import Bench, Part
from reelops.benchmark.cases.scoring_cost import run_score
from reelops.benchmark.report import Figures
from reelops.benchmark.table import Table
from reelops.benchmark.target import Target, at_least
from reelops.metrics.scores import Scores
from reelops.metrics.settings import ScoreSettings, load_score_settings
from reelops.metrics.suite import score_clip
from reelops.progress import RunContext
from reelops.system.worker_pool import ONE_THREAD

PlainScores = dict[str, float | None]


def measure_sameness(bench: Bench, context: RunContext) -> Figures:
    """Scores of one clip with other numbers of threads, in other processes, and among other clips."""
    clip, settings = bench.files("product_clips")[0], load_score_settings(bench.config)
    context.progress("sameness", 0, 10, detail="scores in this process")
    expected = _plain(score_clip(clip, None, None, settings))
    found = {f"opencv_with_{count}_threads": _with_opencv_threads(count, clip, settings) for count in (1, 2, 5)}
    context.progress("sameness", 3, 10, detail="scores on two threads at once")
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(score_clip, clip, None, None, settings) for _ in range(2)]
        found |= {f"thread_{number}_of_2": _plain(one.result()) for number, one in enumerate(both, start=1)}
    for count in (1, 4):
        context.progress("sameness", 5 + count / 2, 10, detail=f"scores in a process of {count} threads")
        threads = dict.fromkeys((*ONE_THREAD, "OPENCV_FOR_THREADS_NUM"), str(count))
        ran = run_score(bench, str(clip), "--json", "--fresh", **threads)
        found[f"process_of_{count}_threads"] = json.loads(ran.output)["scores"]
    context.progress("sameness", 8, 10, detail="scores of a folder")
    found |= _among_others(bench)
    return {"clip": clip.name, "equal": {name: scores == expected for name, scores in found.items()}}


def _plain(scores: Scores) -> PlainScores:
    plain: PlainScores = json.loads(json.dumps(dict(scores)))
    return plain


def _with_opencv_threads(count: int, clip: Path, settings: ScoreSettings) -> PlainScores:
    before = cv2.getNumThreads()
    cv2.setNumThreads(count)
    try:
        return _plain(score_clip(clip, None, None, settings))
    finally:
        cv2.setNumThreads(before)


def _among_others(bench: Bench) -> dict[str, PlainScores]:
    """The first clip's scores beside the others', by one process and by two."""
    found = {}
    for workers in ("1", "2"):
        clips = map(str, bench.files("product_clips")[:3])
        scored = json.loads(run_score(bench, *clips, "--json", "--fresh", "-j", workers).output)
        found[f"among_others_by_{workers}"] = (scored[0] if isinstance(scored, list) else scored)["scores"]
    return found


def _tables(found: Figures) -> Iterator[Table]:
    rows = [{"how": how.replace("_", " "), "equal": "yes" if equal else "no"} for how, equal in found["equal"].items()]
    yield Table.of("Scores are equal, digit for digit", rows, {"However found": "how", "Equal": "equal"})


def _targets(found: Figures) -> Iterator[Target]:
    equal = list(found["equal"].values())
    yield at_least("ways to score a clip that give equal scores", sum(equal), len(equal))


SAMENESS = Part(
    "sameness",
    "whether scores are equal with 1, 2 and 5 threads of OpenCV, on two threads at once, in processes of 1 and 4 "
    "threads, and in folders",
    40,
    measure_sameness,
    _tables,
    _targets,
    ("product_clips",),
)

"""The part `flow` of the quality benchmark: all comparisons with OpenCV's Dual TV-L1 on the same frames."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path

import numpy as np

from reelops.benchmark.case import Bench, Part
from reelops.benchmark.cases.flow.consistency import consistency_tables, consistency_targets, measure_consistency
from reelops.benchmark.cases.flow.equal_parameters import (
    equal_parameters_tables,
    equal_parameters_targets,
    measure_equal_parameters,
)
from reelops.benchmark.cases.flow.footage import clip_frames
from reelops.benchmark.cases.flow.golden import read_golden
from reelops.benchmark.cases.flow.known_motion import known_motion_tables, known_motion_targets, measure_known_motion
from reelops.benchmark.cases.flow.pair_time import measure_pair_time, pair_time_tables, pair_time_targets
from reelops.benchmark.cases.flow.working_size import measure_working_sizes, working_size_tables, working_size_targets
from reelops.benchmark.nested_progress import within
from reelops.benchmark.report import Figures
from reelops.benchmark.table import Table
from reelops.benchmark.target import Target
from reelops.metrics.settings import load_score_settings
from reelops.optical_flow.tvl1.engine import TvL1
from reelops.progress import RunContext

_SECONDS = {"reading": 10, "time": 120, "equal parameters": 30, "known motion": 50, "working size": 30, "score": 10}


def measure_flow(bench: Bench, context: RunContext) -> Figures:
    """Time on clips of the product's format at their own size, on the two frames in the middle; everything else on
    the first 49 frames of the flow clips at 8 frames per second, and on photographs that are moved in known ways."""
    ours, golden = TvL1(), read_golden()
    ours.flow(*np.zeros((2, 32, 32), np.uint8))  # compiled, or read from the cache, before any clock runs
    parts = dict(zip(_SECONDS, _shares(context), strict=True))
    timed_clips, clips, pictures = (bench.files(kind) for kind in ("product_clips", "clips", "pictures"))
    frames = _read_all(list(dict.fromkeys((*timed_clips, *clips))), parts["reading"])
    middle = {path: shown[len(shown) // 2 :][:2] for path, shown in frames.items()}
    frames = {path: frames[path] for path in clips}
    scale = load_score_settings(bench.config).temporal_scale
    return {
        "time": measure_pair_time({path: middle[path] for path in timed_clips}, ours, parts["time"]),
        "equal_parameters": measure_equal_parameters({path: middle[path] for path in clips}, parts["equal parameters"]),
        "known_motion": measure_known_motion(pictures, ours, golden, parts["known motion"]),
        "working_size": measure_working_sizes(frames, ours, parts["working size"]),
        "score": measure_consistency(frames, ours, scale, golden, parts["score"]),
    }


def _shares(context: RunContext) -> Iterator[RunContext]:
    total, begin = sum(_SECONDS.values()), 0
    for seconds in _SECONDS.values():
        yield within(context, "flow", begin, seconds, total)
        begin += seconds


def _read_all(clips: list[Path], context: RunContext) -> Mapping[Path, list[np.ndarray]]:
    frames = {}
    for number, path in enumerate(clips):
        context.progress("reading", number, len(clips), "clips", f"reading {path.name}")
        frames[path] = clip_frames(path)
    return frames


def flow_tables(found: Figures) -> Iterator[Table]:
    return chain(
        pair_time_tables(found["time"]),
        equal_parameters_tables(found["equal_parameters"]),
        known_motion_tables(found["known_motion"]),
        working_size_tables(found["working_size"]),
        consistency_tables(found["score"]),
    )


def flow_targets(found: Figures) -> Iterator[Target]:
    return chain(
        pair_time_targets(found["time"]),
        equal_parameters_targets(found["equal_parameters"]),
        known_motion_targets(found["known_motion"]),
        working_size_targets(found["working_size"]),
        consistency_targets(found["score"]),
    )


FLOW = Part(
    "flow",
    "our Dual TV-L1 beside OpenCV's: time, distance with equal parameters, error on known motion, working sizes, "
    "scores",
    sum(_SECONDS.values()),
    measure_flow,
    flow_tables,
    flow_targets,
    ("product_clips", "clips", "pictures"),
)

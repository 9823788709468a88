"""How long a pair of frames takes: OpenCV's defaults, ours at the same size, and ours as temporal consistency asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from reelops.benchmark.cases.flow.footage import Flow
from reelops.benchmark.cases.flow.golden import opencv_flow
from reelops.benchmark.table import Table
from reelops.benchmark.target import Target, at_least
from reelops.benchmark.timing import quickest, timed
from reelops.optical_flow.tvl1.engine import TvL1
from reelops.optical_flow.working_size import WORKING_ROWS, at_rows
from reelops.progress import RunContext

ROUNDS = 3
_PAIRS_AT_ONCE = 23

Rows = Sequence[Mapping[str, Any]]


def measure_pair_time(pairs: Mapping[Path, Sequence[np.ndarray]], ours: TvL1, context: RunContext) -> Rows:
    """One row per clip.

    Args:
        pairs: two neighbouring frames (H, W) of each clip at its own size; OpenCV takes up to half a minute for one.
    """
    rows = []
    for number, (path, (previous, following)) in enumerate(pairs.items()):
        size = f"{previous.shape[1]}x{previous.shape[0]}"
        context.progress("time", number, len(pairs), "clips", f"OpenCV at {size} on {path.name}")
        rows.append({"clip": path.name, "size": size, **_timed_pair(previous, following, ours)})
    return rows


def _timed_pair(previous_HW: np.ndarray, next_HW: np.ndarray, ours: TvL1) -> dict[str, Any]:
    _, theirs = timed(lambda: opencv_flow(previous_HW, next_HW))
    _, full = quickest(lambda: ours.flow(previous_HW, next_HW), ROUNDS)
    working_flow = _at_working_size(ours)
    _, working = quickest(lambda: working_flow(previous_HW, next_HW), ROUNDS)
    alternating = [previous_HW, next_HW] * ((_PAIRS_AT_ONCE + 1) // 2)
    flows, all_of_them = timed(lambda: list(ours.flows(alternating)))
    batch = all_of_them / len(flows)
    return {
        "opencv": theirs.to_json(),
        "ours_same_size": full.to_json(),
        "ours_same_size_all_cores_per_pair": batch.to_json(),
        f"ours_at_{WORKING_ROWS}_rows": working.to_json(),
        "times_faster_same_size": theirs.wall / full.wall,
        "times_less_cpu_same_size": theirs.cpu / full.cpu,
        "times_faster_same_size_all_cores": theirs.wall / batch.wall,
        f"times_faster_at_{WORKING_ROWS}_rows": theirs.wall / working.wall,
        f"times_less_cpu_at_{WORKING_ROWS}_rows": theirs.cpu / working.cpu,
    }


def _at_working_size(engine: TvL1) -> Flow:
    def flow(previous_HW: np.ndarray, next_HW: np.ndarray) -> np.ndarray:
        return engine.flow(at_rows(previous_HW, WORKING_ROWS), at_rows(next_HW, WORKING_ROWS))

    return flow


def pair_time_tables(rows: Rows) -> Iterator[Table]:
    flat = (
        {
            **row,
            "opencv": row["opencv"]["wall"],
            "opencv_cpu": row["opencv"]["cpu"],
            "working": row[f"ours_at_{WORKING_ROWS}_rows"]["wall"],
            "same": row["ours_same_size"]["wall"],
        }
        for row in rows
    )
    columns = {
        "Clip": "clip",
        "OpenCV, s": "opencv",
        "OpenCV, processor s": "opencv_cpu",
        f"Ours at {WORKING_ROWS} rows, s": "working",
        "Times faster": f"times_faster_at_{WORKING_ROWS}_rows",
        "Ours at the same size, s": "same",
        "Times faster there": "times_faster_same_size",
    }
    yield Table.of("A pair of 720x480 by Dual TV-L1: OpenCV's defaults on all cores, ours on one", flat, columns)


def pair_time_targets(rows: Rows) -> Iterator[Target]:
    working = min(row[f"times_faster_at_{WORKING_ROWS}_rows"] for row in rows)
    figure = f"time of a pair, OpenCV's at 720x480 over ours at {WORKING_ROWS} rows"
    yield at_least(figure, working, 200, aim=1000)
    same = min(row["times_faster_same_size"] for row in rows)
    yield at_least("time of a pair, OpenCV's over ours, both at 720x480", same, 10)

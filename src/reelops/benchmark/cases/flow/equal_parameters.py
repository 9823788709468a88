"""How far our flow is from OpenCV's where both have OpenCV's parameters, and what each takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from reelops.benchmark.cases.flow.golden import opencv_flow
from reelops.benchmark.table import Table
from reelops.benchmark.target import Target, at_most
from reelops.benchmark.timing import timed
from reelops.optical_flow.tvl1.engine import TvL1
from reelops.optical_flow.tvl1.parameters import opencv_parameters
from reelops.optical_flow.working_size import at_rows
from reelops.progress import RunContext

ROWS = 240

Rows = Sequence[Mapping[str, Any]]


def measure_equal_parameters(pairs: Mapping[Path, Sequence[np.ndarray]], context: RunContext) -> Rows:
    """One row per clip.

    Args:
        pairs: two neighbouring frames (H, W) of each clip.
    """
    same, rows = TvL1(opencv_parameters()), []
    for number, (path, pair) in enumerate(pairs.items()):
        context.progress("equal parameters", number, len(pairs), "clips", f"equal parameters, {path.name}")
        previous, following = (at_rows(gray, ROWS) for gray in pair)
        expected, theirs = timed(partial(opencv_flow, previous, following))
        found, ours = timed(partial(same.flow, previous, following))
        distance = np.linalg.norm(found - expected, axis=2)
        rows.append(
            {
                "clip": path.name,
                "size": f"{previous.shape[1]}x{previous.shape[0]}",
                "opencv": theirs.to_json(),
                "ours": ours.to_json(),
                "times_faster": theirs.wall / ours.wall,
                "times_less_cpu": theirs.cpu / ours.cpu,
                "median_distance": float(np.median(distance)),
                "mean_distance": float(distance.mean()),
            }
        )
    return rows


def equal_parameters_tables(rows: Rows) -> Iterator[Table]:
    columns = {
        "Clip": "clip",
        "Size": "size",
        "Times faster": "times_faster",
        "Times less processor time": "times_less_cpu",
        "Median distance, px": "median_distance",
        "Mean distance, px": "mean_distance",
    }
    yield Table.of("With OpenCV's parameters on both sides", rows, columns)


def equal_parameters_targets(rows: Rows) -> Iterator[Target]:
    for name, limit in (("median", 0.05), ("mean", 0.3)):
        distance = max(row[f"{name}_distance"] for row in rows)
        yield at_most(f"{name} distance in px from OpenCV's with its parameters", distance, limit)

"""Whether a clip's motion depends on the size at which it is measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from reelops.benchmark.cases.flow.footage import magnitudes
from reelops.benchmark.table import Table
from reelops.benchmark.target import Target, at_most
from reelops.optical_flow.tvl1.engine import TvL1
from reelops.optical_flow.working_size import SMALLEST_ROWS, at_rows
from reelops.progress import RunContext

SIZES = (SMALLEST_ROWS, 240, 360, 480)

Rows = Sequence[Mapping[str, Any]]


def measure_working_sizes(frames: Mapping[Path, Sequence[np.ndarray]], ours: TvL1, context: RunContext) -> Rows:
    """A clip's mean motion at several heights, over every second pair, and how far they are apart."""
    rows = []
    for number, (path, shown) in enumerate(frames.items()):
        context.progress("working size", number, len(frames), "clips", f"working sizes, {path.name}")
        pairs = list(pairwise(shown))[::2]
        motion = {str(size): _mean_motion(ours, pairs, size) for size in SIZES}
        spread = (max(motion.values()) - min(motion.values())) / max(float(np.mean(list(motion.values()))), 1e-9)
        rows.append({"clip": path.name, "motion": motion, "spread": spread})
    return rows


def _mean_motion(ours: TvL1, pairs: Sequence[tuple[np.ndarray, np.ndarray]], rows: int) -> float:
    return float(np.mean(magnitudes(ours.flow(at_rows(a, rows), at_rows(b, rows)) for a, b in pairs)))


def working_size_tables(rows: Rows) -> Iterator[Table]:
    flat = ({"clip": row["clip"], **row["motion"], "spread": f"{row['spread']:.1%}"} for row in rows)
    columns = {"Clip": "clip", **{f"{size} rows": size for size in rows[0]["motion"]}, "Spread": "spread"}
    yield Table.of("A clip's mean motion in px at 480 rows, by working size", flat, columns)


def working_size_targets(rows: Rows) -> Iterator[Target]:
    spread = max(row["spread"] for row in rows)
    yield at_most("spread of a clip's motion over working sizes", spread, 0.05)

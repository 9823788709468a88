"""Temporal consistency by our flow, and beside it by OpenCV's where there is a golden value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from reelops.benchmark.cases.flow.footage import magnitudes
from reelops.benchmark.cases.flow.golden import GoldenValues
from reelops.benchmark.report import Figures
from reelops.benchmark.table import Table
from reelops.benchmark.target import Target, at_least, at_most
from reelops.metrics.motion.temporal_consistency import consistency_of
from reelops.optical_flow.tvl1.engine import TvL1
from reelops.optical_flow.working_size import WORKING_ROWS, at_rows
from reelops.progress import RunContext


def measure_consistency(
    frames: Mapping[Path, Sequence[np.ndarray]], ours: TvL1, scale: float, golden: GoldenValues, context: RunContext
) -> Figures:
    """Scores of every clip by both flows, and how well they agree.

    Args:
        scale: the variance that brings temporal consistency down to 1/e.
    """
    rows = []
    for number, (path, shown) in enumerate(frames.items()):
        context.progress("score", number, len(frames), "clips", f"score, {path.name}")
        by_ours = magnitudes(ours.flows(at_rows(gray, WORKING_ROWS) for gray in shown))
        theirs = golden.motion_of(path)
        by_opencv = consistency_of(theirs, scale) if theirs else None
        rows.append({"clip": path.name, "ours": consistency_of(by_ours, scale), "opencv": by_opencv})
    both = np.array([[row["ours"], row["opencv"]] for row in rows if row["opencv"] is not None], dtype=float)
    return {
        "clips": rows,
        "scale": scale,
        "compared": len(both),
        "rank_correlation": rank_correlation(*both.T) if len(both) > 2 else None,
        "mean_absolute_difference": float(np.abs(both[:, 0] - both[:, 1]).mean()) if len(both) else None,
    }


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's, for values without ties."""
    ranks = [np.argsort(np.argsort(values)) for values in (a, b)]
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def consistency_tables(found: Figures) -> Iterator[Table]:
    columns = {"Clip": "clip", "By our flow": "ours", "By OpenCV's": "opencv"}
    yield Table.of("Temporal consistency", found["clips"], columns)


def consistency_targets(found: Figures) -> Iterator[Target]:
    yield at_least("rank correlation of scores with OpenCV's", found["rank_correlation"], 0.95)
    yield at_most("mean difference of scores from OpenCV's", found["mean_absolute_difference"], 0.05)

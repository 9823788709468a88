"""Figures of the flow are compared with what was asked, and shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reelops.benchmark.case import Bench
from reelops.benchmark.cases.flow.consistency import measure_consistency, rank_correlation
from reelops.benchmark.cases.flow.footage import clip_frames
from reelops.benchmark.cases.flow.golden import GoldenValues
from reelops.benchmark.cases.flow.part import FLOW
from reelops.benchmark.cases.flow.working_size import measure_working_sizes
from reelops.optical_flow.tvl1.engine import TvL1
from reelops.progress import QUIET
from reelops.system.digest import sha256_of


def flow_figures() -> dict[str, Any]:
    """What `measure_flow` returns, of one clip and one motion."""
    seconds = {"wall": 0.01, "cpu": 0.01}
    errors = {"ours_160": 0.1, "ours_480": 0.05, "opencv_120": 0.5, "opencv_240": 0.2, "opencv_480": None}
    pair = {"opencv": {"wall": 3.0, "cpu": 5.0}, "ours_same_size": seconds, "ours_at_160_rows": seconds}
    return {
        "time": [{"clip": "a", **pair, "times_faster_same_size": 30.0, "times_faster_at_160_rows": 300.0}],
        "equal_parameters": [
            {
                "clip": "a",
                "size": "360x240",
                "times_faster": 9.0,
                "times_less_cpu": 14.0,
                "median_distance": 0.0,
                "mean_distance": 0.4,
            }
        ],
        "known_motion": {"pan 1 px": errors, "all": errors},
        "working_size": [{"clip": "a", "motion": {"120": 4.0, "160": 4.1}, "spread": 0.025}],
        "score": {
            "clips": [{"clip": "a", "ours": 0.9, "opencv": None}],
            "rank_correlation": None,
            "mean_absolute_difference": 0.01,
        },
    }


def test_figures_of_the_flow_are_compared_with_what_was_asked() -> None:
    targets = {target.figure: target for target in FLOW.targets(flow_figures())}
    assert targets["time of a pair, OpenCV's at 720x480 over ours at 160 rows"].met is True
    assert targets["mean distance in px from OpenCV's with its parameters"].met is False
    assert targets["rank correlation of scores with OpenCV's"].met is None
    error = targets["error in px on known motion at 160 rows"]
    assert error.bound.limit == pytest.approx(1.05 * 0.2) and error.met


def test_figures_of_the_flow_are_shown() -> None:
    page = "\n".join(table.to_markdown() for table in FLOW.tables(flow_figures()))
    assert "| pan 1 px | 0.1 | 0.05 | 0.5 | 0.2 | not measured |" in page
    assert "| a | 4 | 4.1 | 2.5% |" in page


def test_rank_correlation_is_that_of_ranks() -> None:
    assert rank_correlation(np.array([1.0, 2.0, 30.0]), np.array([0.1, 0.5, 0.6])) == pytest.approx(1)
    assert rank_correlation(np.array([1.0, 2.0, 3.0]), np.array([3.0, 1.0, -8.0])) == pytest.approx(-1)


def test_scores_are_compared_where_opencv_was_asked(bench: Bench) -> None:
    frames = {path: clip_frames(path) for path in bench.files("clips")}
    first, _ = frames
    golden = GoldenValues({sha256_of(first): {"name": first.name, "magnitudes": [0.0, 0.0]}}, {}, {})
    found = measure_consistency(frames, TvL1(), 120.0, golden, QUIET)
    assert [row["opencv"] for row in found["clips"]] == [1.0, None]
    assert found["compared"] == 1 and found["rank_correlation"] is None
    expected = 1 - found["clips"][0]["ours"]
    assert found["mean_absolute_difference"] == pytest.approx(expected)


def test_a_clips_motion_hardly_depends_on_the_size(bench: Bench) -> None:
    one = replace(bench, clips=bench.files("clips")[:1])
    (path,) = one.files("clips")
    still = [np.zeros((480, 720), np.uint8)] * 3
    (row,) = measure_working_sizes({Path(path): still}, TvL1(), QUIET)
    assert row["spread"] == 0 and set(row["motion"].values()) == {0.0}

"""The loop that looking at clips is measured beside."""

from __future__ import annotations

import pytest

from reelops.benchmark.case import Bench
from reelops.benchmark.cases.metadata.throughput import THROUGHPUT, measure_throughput
from reelops.progress import QUIET


def test_the_loop_finds_what_we_find(bench: Bench) -> None:
    found = measure_throughput(bench, QUIET)
    (row,) = found["clips"]
    assert row["ours_cpu_seconds"] > 0 and row["opencv_cpu_seconds"] > 0
    for name in ("motion", "sharpness"):
        ours, theirs = row[name]
        assert ours == pytest.approx(theirs, rel=0.1)
    rates = found["clips_a_minute_a_core"]
    assert found["times_less_cpu"] == pytest.approx(rates["ours"] / rates["opencv"])
    titles = [table.title for table in THROUGHPUT.tables(found)]
    assert titles == ["Looking at a clip: probe, window and statistics", "Clips per minute and core"]

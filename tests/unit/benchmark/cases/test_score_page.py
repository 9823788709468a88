"""A report is made, measured and opened."""

from __future__ import annotations

from dataclasses import replace

from reelops.benchmark.case import Bench
from reelops.benchmark.cases.score_page import PAGE, measure_page
from reelops.progress import QUIET


def test_a_report_is_made_measured_and_opened(bench: Bench) -> None:
    one_clip = replace(bench, clips=bench.files("product_clips")[:1])
    found = measure_page(one_clip, QUIET, num_clips=3, rounds=1)
    assert found["clips"] == 3 and 0.01 < found["size_mb"] < 5 and found["notes"] == []
    assert found["browser"] is None or found["browser"]["seconds"] > 0
    size, _ = PAGE.targets(found)
    assert size.figure == "MB of a report of 3 clips" and size.measured == found["size_mb"]
    (table,) = PAGE.tables(found)
    assert table.rows[0][0] == "3"

"""Many small clips are prepared, found again, and joined by new ones; memory is written down on the way."""

from __future__ import annotations

import pytest

from reelops.benchmark.case import Bench
from reelops.benchmark.cases.data import data_case
from reelops.benchmark.cases.metadata import many_clips
from reelops.benchmark.cases.metadata.many_clips import lay_out_many, many_part, measure_many, small_cuts
from reelops.benchmark.cases.metadata.memory_plot import memory_svg
from reelops.progress import QUIET


def test_every_small_clip_is_a_file_of_its_own(bench: Bench) -> None:
    cuts = small_cuts(bench.files("data_clips"), bench.scratch / "cuts")
    lay_out_many(bench.scratch, cuts, 5)
    files = sorted((bench.scratch / "data/raw/many/videos").iterdir())
    assert len(files) == 5 and len({file.read_bytes() for file in files}) == 5


def test_a_second_run_knows_all_clips_and_looks_at_new_ones_alone(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(many_clips, "NEW_CLIPS", 5)
    found = measure_many(bench, QUIET, count=10)
    examined = {name: run["examined"] for name, run in found["runs"].items()}
    assert examined == {"a_tenth": 1, "all": 9, "again": 0, "more": 5}
    assert all(run["main_peak_mb"] > 50 for run in found["runs"].values())
    (table,) = many_part().tables(found)
    assert [row[1] for row in table.rows] == ["1", "10", "10", "15"]
    picture = many_part(10).beside[".svg"]
    assert picture is not None and "Memory while 10 clips are looked at" in picture(found)


def test_many_clips_are_prepared_where_they_are_asked_for() -> None:
    assert [part.name for part in data_case().select()] == ["throughput"]
    assert [part.name for part in data_case(many=500).select()] == ["throughput", "many"]
    assert data_case().command(many_part(500)) == "reelops benchmark data --part many --many 500"


def test_the_picture_is_as_high_as_the_most_memory() -> None:
    samples = [{"clips": 0, "main_mb": 100, "worker_mb": 0}, {"clips": 50, "main_mb": 150, "worker_mb": 120}]
    picture = memory_svg(samples, "Memory")
    assert ">160 MB</text>" in picture and ">50</text>" in picture

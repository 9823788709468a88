"""What training costs, made small: each way trains, and is measured in a process of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from training_ground import TRAIN, Ground

from reelops.benchmark.case import Bench
from reelops.benchmark.cases.train import train_case
from reelops.benchmark.cases.training.comparison import compare_ways, training_parts
from reelops.benchmark.cases.training.ways import AS_SET, CACHED, ENCODED, OURS, PUBLISHED, params_of
from reelops.progress import QUIET
from reelops.training.params import TrainParams


def test_the_cache_is_measured_beside_encoders_that_train_the_same_samples(ground: Ground, tmp_path: Path) -> None:
    cache, _ = training_parts(steps=2, rounds=1)
    found = cache.measure(Bench(ground.config, tmp_path), QUIET)
    assert [run["way"] for run in found["runs"]] == [CACHED, ENCODED]
    assert all(len(run["step_seconds"]) == 2 and run["peak_bytes"]["rss"] > 0 for run in found["runs"])
    cached, encoded = found["ways"][CACHED], found["ways"][ENCODED]
    assert 0 <= cached["waiting_share"] < encoded["waiting_share"] <= 1
    times = cached["samples_per_second"] / encoded["samples_per_second"]
    assert encoded["ours_times_as_fast"] == pytest.approx(times, rel=0.01)
    (table,) = cache.tables(found)
    assert [row[0] for row in table.rows] == [CACHED, ENCODED]


def test_beside_the_example_all_train_whole_clips_but_the_way_that_params_describe() -> None:
    params = TrainParams.model_validate(TRAIN | {"frames_per_step": 2, "batch": 2, "micro_batch": 2})
    assert params_of(AS_SET, params) == params_of(CACHED, params) == params
    for way in (OURS, PUBLISHED):
        assert params_of(way, params).frames_per_step is None and params_of(way, params).batch == 1


def test_the_example_is_compared_with_whole_clips_and_with_what_params_say() -> None:
    speeds = {OURS: 0.2, AS_SET: 1.5, PUBLISHED: 0.1}
    figures = {
        way: {"samples_per_second": speed, "waiting_share": 0.0, "peak_gb": 10 * speed} for way, speed in speeds.items()
    }
    _, published = training_parts()
    (table,) = published.tables({"what": "clips", "ways": compare_ways(figures)})
    page = table.to_markdown()
    beside = "2 times as fast in 200% of the memory | 15 times as fast in 1500% of the memory |"
    assert f"| {PUBLISHED} | 0.1 | 0.0% | 1.00 GB | {beside}" in page
    assert f"| {OURS} | 0.2 | 0.0% | 2.00 GB |  |  |" in page


def test_steps_and_rounds_are_part_of_what_measures_it_again() -> None:
    usual, short = train_case(), train_case(steps=3, rounds=1)
    assert usual.command(usual.parts[0]) == "reelops benchmark train --part cache"
    assert short.command(short.parts[1]) == "reelops benchmark train --part published --steps 3 --rounds 1"

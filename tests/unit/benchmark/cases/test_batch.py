"""The benchmark of batches, with few and small clips of no model."""

from __future__ import annotations

from pathlib import Path

from studio import Server

from reelops.benchmark.case import Bench
from reelops.benchmark.cases.batch.case import killed_tables, killed_targets, pace_tables
from reelops.benchmark.cases.batch.measure import measure_killed, with_orchestration
from reelops.benchmark.cases.batch.memory import (
    measure_line_memory,
    measure_memory,
    memory_tables,
    memory_targets,
    slope_of,
)
from reelops.params import load_config
from reelops.progress import QUIET

SMALL = {"profile": "camera-moves", "num_frames": 5, "width": 96, "height": 64}


def test_a_killed_batch_has_every_clip_once_with_its_run_in_mlflow(tmp_path: Path, servers: dict[str, Server]) -> None:
    bench = Bench(load_config(home=tmp_path / "home"), tmp_path)
    found = measure_killed(bench, QUIET, 6, f"{servers['prefect'].url}/api", **SMALL)
    assert (found["clips"], found["with_a_clip"], found["made_twice"], found["tracked"]) == (6, 1.0, 0, 6)
    assert 3 <= found["at_the_kill"] < 6
    assert all(target.met for target in killed_targets(found))
    assert list(killed_tables(found)) and list(pace_tables(found))


def test_orchestration_is_what_a_start_and_each_clip_take_beside_the_work_in_a_batch_of_60() -> None:
    measured = {"seconds": 110.0, "clips": 10, "seconds_of_work_a_clip": 9.0, "stages": {"load": 0.2}}
    found = with_orchestration(measured, begun_after=8.0)
    assert (found["seconds_to_start"], found["seconds_of_orchestration_a_clip"]) == (10.0, 1.0)
    assert found["orchestration"] == round((10 + 60 * 1) / (10 + 60 * 10), 4)


def test_memory_is_followed_over_orders_and_its_slope_has_an_interval(tmp_path: Path) -> None:
    found = measure_memory(Bench(load_config(home=tmp_path / "home"), tmp_path), QUIET, 12, **SMALL)
    assert found["orders"] == 12 and found["low"] <= found["mb_an_order"] <= found["high"]
    assert found["last_mb"] > 50
    assert list(memory_tables(found)) and list(memory_targets(found))


def test_the_whole_line_is_followed_on_a_small_network_and_leaves_no_clip_behind(tmp_path: Path) -> None:
    found = measure_line_memory(Bench(load_config(home=tmp_path / "home"), tmp_path), QUIET, 4)
    assert found["orders"] == 4 and found["last_mb"] > 50 and not list(tmp_path.glob("clip*"))


def test_a_level_memory_has_no_slope_and_a_leak_of_a_megabyte_an_order_is_seen() -> None:
    assert slope_of([100.5] * 9) == {"mb_an_order": 0.0, "low": 0.0, "high": 0.0}
    steps = [100.0 + 8 * (number // 15 % 2) for number in range(150)]
    assert (found := slope_of(steps))["low"] < 0 < found["high"], "it goes up and down, and does not grow"
    leak = slope_of([100.0 + number + number % 2 for number in range(30)])
    assert 0.8 < leak["low"] < leak["mb_an_order"] < leak["high"] < 1.2

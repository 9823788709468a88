"""Waiting for a command: what is made of the runs, and what is asked of them."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from small_project import params_of_small_clips

from reelops.benchmark.case import Bench
from reelops.benchmark.cases import start
from reelops.errors import SettingsError
from reelops.params import load_config
from reelops.progress import QUIET
from reelops.settings import find_checkout


def run(way: str, command: str, wall: float) -> dict:
    return {"way": way, "command": command, "wall": wall, "cpu": 2 * wall, "peak_mb": 1.0}


def test_a_row_has_the_median_the_quickest_and_how_many_times_as_long_as_now() -> None:
    runs = [run("now", "--help", wall) for wall in (0.3, 0.1, 0.2)] + [run("before", "--help", 0.8)]
    now, before = start._medians(runs)
    assert (now["wall_seconds"], now["quickest_seconds"], now["cpu_seconds"], now["times"]) == (0.2, 0.1, 0.4, 1.0)
    assert before["times"] == 4.0


def test_beside_a_neighbour_our_share_of_the_cores_is_asked_for() -> None:
    runs = [run("now", "0 busy", 10.0), run("now", "1 busy", 16.0), run("now", "2 busy", 23.0)]
    one, two = start._neighbour_targets({"cores": 2, "commands": list(start._medians(runs))})
    assert (one.measured, one.bound.limit, one.met) == (1.6, 1.65, True)
    assert (two.measured, two.bound.limit, two.met) == (2.3, 2.2, False)


def test_neighbours_are_gone_afterwards() -> None:
    before = set(psutil.Process().children())
    with start._busy(2):
        assert len(set(psutil.Process().children()) - before) == 2
    assert not set(psutil.Process().children()) - before


def test_a_folder_that_is_no_installation_is_refused(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"make setup"):
        start.measure_commands(bench, QUIET, before=tmp_path)


def test_what_is_measured_is_kept_in_its_own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'of-the-user.db'}")
    monkeypatch.setenv("REELOPS_MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'of-the-user.db'}")
    way = start.Way("now", sys.executable, find_checkout() or tmp_path, tmp_path / "home", {})
    told = json.loads(way.run("doctor", "--json").output)["findings"]
    (store,) = [finding["text"] for finding in told if finding["name"] == "mlflow" and finding["group"] == "servers"]
    assert store == f"embedded store sqlite:///{tmp_path / 'home' / 'mlflow.db'}"


@pytest.mark.slow
def test_the_commands_of_this_installation_are_measured_to_the_last_second(
    bench: Bench, repository: Path, small_model: Path, tmp_path: Path
) -> None:
    for name in ("src", "data"):
        (tmp_path / name).symlink_to(repository / name)
    config = load_config(params_file=params_of_small_clips(repository, tmp_path, small_model), home=tmp_path / "home")
    found = start.measure_commands(replace(bench, config=config), QUIET, rounds=1)
    assert [row["command"] for row in found["commands"]] == [
        *("--help", "generate --help", "score CLIP", "generate --no-track", "generate", "generate, bare")
    ]
    assert found["same_frames"]
    assert {"start", "load", "denoise", "score", "log", "other", "not told"} <= found["stages"]["now"].keys()
    assert all(table.rows for table in start._command_tables(found))

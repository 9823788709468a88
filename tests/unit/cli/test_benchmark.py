"""`reelops benchmark flow` on two short clips, whole."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import reelops.cli
from reelops.evaluation.benchmark_flow import make_golden, rank_correlation, read_golden
from reelops.evaluation.known_flow import MOTIONS
from reelops.evaluation.params import load_benchmark_params


def test_rank_correlation_is_that_of_ranks() -> None:
    assert rank_correlation(np.array([1.0, 2.0, 30.0]), np.array([0.1, 0.5, 0.6])) == pytest.approx(1)
    assert rank_correlation(np.array([1.0, 2.0, 3.0]), np.array([3.0, 1.0, -8.0])) == pytest.approx(-1)


def test_shipped_settings_name_clips_and_pictures(repository: Path, shared_data: Path, tmp_path: Path) -> None:
    params = load_benchmark_params(repository / "params.yaml")
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared/data").symlink_to(shared_data)
    (tmp_path / "project").mkdir()
    assert len(params.find("clips", tmp_path / "project")) >= 8
    assert len(params.find("pictures", tmp_path / "project")) == 2


def test_golden_values_are_kept_and_not_measured_again(repository: Path, tmp_path: Path) -> None:
    golden = {"clips": {}, "known_motion": {f"coffee.jpg, {motion.name}": 1.5 for motion in MOTIONS}}
    (tmp_path / "golden.json").write_text(json.dumps(golden))
    steps: list[str] = []
    make_golden([], [repository / "data/samples/coffee.jpg"], tmp_path / "golden.json", steps.append)
    assert not steps
    assert read_golden(tmp_path / "golden.json") == golden


def test_help_names_what_can_be_measured() -> None:
    result = CliRunner().invoke(reelops.cli.build_app(), ["benchmark", "--help"])
    assert result.exit_code == 0 and "flow" in result.output

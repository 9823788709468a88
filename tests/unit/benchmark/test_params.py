"""What the shipped settings name."""

from __future__ import annotations

from pathlib import Path

from reelops.benchmark.params import load_benchmark_params
from reelops.params import load_config


def test_shipped_settings_name_clips_and_pictures(repository: Path, more_media: Path, tmp_path: Path) -> None:
    params = load_benchmark_params(load_config(params_file=repository / "params.yaml"))
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared/data").symlink_to(more_media)
    (tmp_path / "project").mkdir()
    assert len(params.find("clips", tmp_path / "project")) >= 8
    assert len(params.find("pictures", tmp_path / "project")) == 2
    assert len(params.find("product_clips", tmp_path / "project")) >= 7
    assert len(params.find("good_clips", tmp_path / "project")) >= 20

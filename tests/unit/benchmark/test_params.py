"""What benchmarks are run on as ReelOps comes."""

from __future__ import annotations

from pathlib import Path

from reelops.benchmark.params import load_benchmark_params
from reelops.params import load_config


def test_benchmarks_run_on_clips_and_pictures_of_the_repository(repository: Path) -> None:
    params = load_benchmark_params(load_config(params_file=repository / "params.yaml"))
    assert len(params.find("clips", repository)) >= 8
    assert len(params.find("pictures", repository)) == 2
    assert len(params.find("product_clips", repository)) >= 7
    assert len(params.find("good_clips", repository)) >= 15
    assert len(params.find("data_clips", repository)) >= 10

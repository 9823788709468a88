"""The 5B's architecture is measured with random weights: here on a small one, by the loop itself."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from small_model import CLIP
from training_ground import TRAIN, make_ground

from reelops.benchmark.cases.training.random_5b import RANDOM_5B, measure_random
from reelops.cogvideox.architecture import read_architecture
from reelops.training.params import TrainParams


def test_random_weights_are_trained_by_the_loop_and_measured_beside_the_plan(small_model: Path) -> None:
    architecture = read_architecture(small_model)
    params = TrainParams.model_validate(TRAIN | {"steps": 3, "batch": 2, "micro_batch": 2, "held_out": {"every": 0}})
    figures = measure_random(architecture, CLIP, params, "cpu", dtype="float32")
    assert figures["steps"] == 3
    assert figures["samples_per_second"] == pytest.approx(2 / figures["seconds_per_step"], rel=0.2)
    assert figures["peak_gb"]["rss"] > 0 and figures["planned_gb"] > 0
    (table,) = RANDOM_5B.tables({"gpu": "none", **figures})
    assert ("optimizer", figures["optimizer"]) in table.rows


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_without_a_gpu_the_5b_is_not_measured_and_the_plan_is_named(small_model: Path, tmp_path: Path) -> None:
    ground = make_ground(tmp_path / "project", small_model, train_clips=1)
    done = ground.run("benchmark", "train", "--gpu")
    assert done.returncode == 1 and "There is no CUDA GPU here" in done.stderr and "train --plan" in done.stderr
    assert "Traceback" not in done.stderr and not (Path(ground.folder) / "reports/gpu").exists()

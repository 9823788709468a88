"""The comparison of training with and without the cache, made small."""

from __future__ import annotations

from training_ground import LATENTS

from reelops.training.benchmark import WAYS, benchmark_training
from reelops.training.params import LatentParams


def test_both_ways_train_the_same_samples_and_are_measured_in_processes_of_their_own(ground):
    told = []
    latents = LatentParams.model_validate(LATENTS)
    figures = benchmark_training(ground.params(), latents, ground.settings, steps=3, rounds=1, on_step=told.append)
    assert [one["way"] for one in figures["runs"]] == list(WAYS) and len(told) == 2
    assert all(len(one["step_seconds"]) == 3 and one["peak_bytes"]["rss"] > 0 for one in figures["runs"])
    cached, encoded = (figures["ways"][way] for way in WAYS)
    assert 0 <= cached["waiting_share"] < encoded["waiting_share"] <= 1

"""`reelops benchmark train`: what training costs here, beside what it replaces; and the 5B's architecture on a GPU."""

from __future__ import annotations

from pathlib import Path

from reelops.benchmark.case import Case
from reelops.benchmark.cases.training.comparison import ROUNDS, STEPS, training_parts
from reelops.benchmark.cases.training.random_5b import RANDOM_5B


def train_case(steps: int = STEPS, rounds: int = ROUNDS) -> Case:
    """So many training steps of each run, and runs of each way."""
    return Case(
        "train",
        "What training costs",
        "samples per second, time spent waiting for samples and peak memory, with the latent cache and without it, and "
        "beside the steps of diffusers' own example",
        Path("reports/train/benchmark.json"),
        training_parts(steps, rounds),
        with_torch=True,
    )


TRAIN_GPU = Case(
    "train --gpu",
    "Training the 5B's architecture",
    "seconds per step and peak memory on this machine's GPU, without the weights and without data",
    Path("reports/gpu/train.json"),
    (RANDOM_5B,),
    with_torch=True,
)

"""Training in processes of its own: to be killed, and to be several."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from studio import START_SECONDS, free_port
from training_ground import LATENTS, TRAIN, Ground

from reelops.training.params import LatentParams
from reelops.training.stage import Places, TrainingReport, train_adapter


def train_here(ground: Ground, track: bool = False, **changes: Any) -> TrainingReport:
    """The stage `train` in this process; `on_row`, `fresh`, `should_stop` go to it, the rest to its parameters."""
    asked = {name: changes.pop(name) for name in ("on_row", "fresh", "should_stop") if name in changes}
    return train_adapter(
        ground.params(**changes),
        LatentParams.model_validate(LATENTS),
        ground.settings,
        Places.of(ground.settings, TRAIN["name"]),
        track=track,
        **asked,
    )


def in_processes(ground: Ground, count: int, changes: Mapping[str, Any], die_at: int | None = None) -> list[int]:
    """Trains in so many processes that know of each other; their exit codes."""
    context = multiprocessing.get_context("spawn")
    port = free_port()
    crew = [
        context.Process(target=_one_of, args=(str(ground.folder), rank, count, port, dict(changes), die_at))
        for rank in range(count)
    ]
    for process in crew:
        process.start()
    for process in crew:
        process.join(START_SECONDS)
        process.kill()
    return [process.exitcode for process in crew]


def _one_of(folder: str, rank: int, count: int, port: int, changes: dict[str, Any], die_at: int | None) -> None:
    import torch

    torch.set_num_threads(1)
    if count > 1:
        places = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": count, "LOCAL_WORLD_SIZE": count}
        os.environ |= {name: str(value) for name, value in places.items()}
        os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "ACCELERATE_USE_CPU": "true"}

    def on_row(_row: Mapping[str, float], step: int) -> None:
        if step == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    train_here(Ground(Path(folder)), on_row=on_row, **changes)

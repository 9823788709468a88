"""Training in processes of its own: to be killed, and to be several."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from studio import START_SECONDS, free_port
from training_ground import LATENTS, Ground

from reelops.errors import Cancelled
from reelops.progress import QUIET, Event, Progress, RunContext
from reelops.system.hardware import Machine
from reelops.training.params import LatentParams
from reelops.training.plan import plan_training
from reelops.training.stage import TrainingResult, run_training


def train_here(
    ground: Ground,
    context: RunContext = QUIET,
    track: bool = False,
    fresh: bool = False,
    machine: Machine | None = None,
    **changes: Any,
) -> TrainingResult:
    """The stage `train` in this process, with these changes to its parameters."""
    latents = LatentParams.model_validate(LATENTS)
    plan = plan_training(ground.params(**changes), latents, ground.config, machine)
    return run_training(plan, ground.config, context, track, fresh)


def make_copy(ground: Ground, folder: Path) -> Ground:
    """The same latents and base in another folder, to be trained on apart."""
    shutil.copytree(ground.folder, folder, symlinks=True)
    return replace(ground, folder=folder)


def in_processes(
    ground: Ground, count: int, *runs: Mapping[str, Any], environment: Mapping[str, str] | None = None
) -> list[int]:
    """Trains in so many processes that know of each other, one run after the other; their exit codes.

    Each run is what it changes in the parameters; beside them `ground` trains elsewhere, `stop_at` asks to stop after
    that step, `die_at` kills the first process there.
    """
    context = multiprocessing.get_context("spawn")
    port = free_port()
    crew = [
        context.Process(target=_one_of, args=(ground, rank, count, port, runs, dict(environment or {})))
        for rank in range(count)
    ]
    for process in crew:
        process.start()
    for process in crew:
        process.join(START_SECONDS)
        process.kill()
    return [process.exitcode for process in crew]


def _one_of(
    ground: Ground, rank: int, count: int, port: int, runs: Sequence[Mapping[str, Any]], environment: dict[str, str]
) -> None:
    import torch

    torch.set_num_threads(1)
    os.environ |= environment
    if count > 1:
        places = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": count, "LOCAL_WORLD_SIZE": count}
        os.environ |= {name: str(value) for name, value in places.items()}
        os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "ACCELERATE_USE_CPU": "true"}
    for run in runs:
        _run(**({"ground": ground} | dict(run)))


def _run(ground: Ground, stop_at: int | None = None, die_at: int | None = None, **changes: Any) -> None:
    reached = 0

    def on_event(event: Event) -> None:
        nonlocal reached
        assert isinstance(event, Progress)
        reached = int(event.done)
        if reached == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    with suppress(Cancelled):
        train_here(ground, RunContext(on_event, lambda: stop_at is not None and reached >= stop_at), **changes)

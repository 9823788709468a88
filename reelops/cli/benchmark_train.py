"""`reelops benchmark train`: training from the latent cache beside training that encodes as it goes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

REPORT = Path("reports/train/benchmark.json")


def train(
    steps: Annotated[int, typer.Option(min=2, help="Training steps of each run.")] = 6,
    rounds: Annotated[int, typer.Option(min=1, help="Runs of each way, taking turns.")] = 2,
    out: Annotated[Path, typer.Option(help="Where the figures go.")] = REPORT,
) -> None:
    """Train with the latent cache and without it: steps a second, peak memory, time spent waiting for samples.

    It trains as params.yaml says, on data/latents/.

    Example: reelops benchmark train --steps 6
    """
    from rich.console import Console
    from rich.table import Table

    from reelops.files import write_text_atomically
    from reelops.params import read_block
    from reelops.settings import load_settings
    from reelops.training.benchmark import benchmark_training
    from reelops.training.params import LatentParams, TrainParams

    console = Console(stderr=True)
    settings = load_settings()
    params = read_block(settings.params_file, "train", TrainParams)
    latents = read_block(settings.params_file, "latents", LatentParams)
    with console.status("Training") as status:

        def on_step(step: str) -> None:
            status.update(f"Training: {step}")

        figures = benchmark_training(params, latents, settings, steps, rounds, on_step)
    write_text_atomically(settings.root / out, json.dumps(figures, indent=1) + "\n")
    table = Table(figures["what"], "Samples a second", "Waiting for samples", "Peak memory")
    for way, one in figures["ways"].items():
        table.add_row(
            way, f"{one['samples_per_second']:.3g}", f"{one['waiting_share']:.1%}", f"{one['peak_gb']:.2f} GB"
        )
    console.print(table)
    console.print(f"{figures['times_as_fast']:.2f} times as fast in {figures['share_of_memory']:.0%} of the memory.")
    console.print(f"Written to {out}.")

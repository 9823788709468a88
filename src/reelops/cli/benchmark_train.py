"""`reelops benchmark train`: what training costs here, beside what it replaces."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

REPORT = Path("reports/train/benchmark.json")
GPU_REPORT = Path("reports/gpu/train.json")


def train(
    only: Annotated[
        str, typer.Option(help="Measure these parts: cache, published.", show_default="all", metavar="PART,PART")
    ] = "",
    steps: Annotated[int, typer.Option(min=2, help="Training steps of each run.")] = 6,
    rounds: Annotated[int, typer.Option(min=1, help="Runs of each way, taking turns.")] = 2,
    gpu: Annotated[
        bool, typer.Option("--gpu", help="Measure the 5B with random weights on this machine's GPU instead.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Where the figures go.", show_default=f"{REPORT}, or {GPU_REPORT}")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Train with the latent cache and without it, and beside the steps of diffusers' own example: samples a second,
    peak memory, time spent waiting for samples.

    It trains as params.yaml says, on data/latents/. With --gpu it needs neither weights nor data: 20 steps of the 5B's
    architecture, as `reelops train --plan` would train it on this GPU.

    Examples: reelops benchmark train

    reelops benchmark train --only published --steps 3 --rounds 1
    """
    from rich.console import Console

    from reelops.params import load_config
    from reelops.system.files import write_text_atomically
    from reelops.training.params import TrainParams

    console, config = Console(stderr=True), load_config()
    params = config.block("train", TrainParams)
    with console.status("Training") as status:

        def on_step(step: str) -> None:
            status.update(f"Training: {step}")
            if not console.is_terminal:
                console.print(f"Training: {step}", highlight=False)

        figures, words = _on_gpu(on_step) if gpu else _beside(params, config, only, steps, rounds, on_step)
    path = config.root / (out or (GPU_REPORT if gpu else REPORT))
    write_text_atomically(path, json.dumps(figures, indent=1) + "\n")
    write_text_atomically(path.with_suffix(".md"), words)
    console.print(words, highlight=False, markup=False)
    console.print(f"Written to {path}, and for people to {path.with_suffix('.md').name}.", highlight=False)
    if as_json:
        typer.echo(json.dumps(figures, indent=1))


def _beside(
    params: Any, config: Any, only: str, steps: int, rounds: int, on_step: Any
) -> tuple[Mapping[str, Any], str]:
    from reelops.benchmark.cases.training import PARTS, benchmark_training, markdown
    from reelops.training.params import LatentParams

    latents = config.block("latents", LatentParams)
    parts = [part.strip() for part in only.split(",") if part.strip()] or list(PARTS)
    report = benchmark_training(params, latents, config, parts, steps, rounds, on_step)
    return report, markdown(report)


def _on_gpu(on_step: Any) -> tuple[Mapping[str, Any], str]:
    from reelops.benchmark.cases.training_gpu import benchmark_gpu, markdown

    report = benchmark_gpu(on_step=on_step)
    return report, markdown(report)

"""`reelops benchmark`: how good and how fast our parts are, measured beside what they replace."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reelops.errors import SettingsError

if TYPE_CHECKING:
    from rich.console import Console

FLOW_REPORT = Path("reports/quality/flow.json")
TRAIN_REPORT = Path("reports/train/benchmark.json")
FLOW_GOLDEN = Path("tests/golden/tvl1_opencv.json")


def register(app: typer.Typer) -> None:
    benchmark = typer.Typer(help="Measure our parts beside what they replace.", no_args_is_help=True)
    benchmark.command("flow")(flow)
    benchmark.command("train")(train)
    app.add_typer(benchmark, name="benchmark")


def flow(
    clips: Annotated[
        list[Path] | None,
        typer.Argument(help="Real clips.", metavar="CLIP...", show_default="those of params.yaml"),
    ] = None,
    out: Annotated[Path, typer.Option(help="Where the figures go.")] = FLOW_REPORT,
    golden: Annotated[
        bool,
        typer.Option("--golden", help="Measure OpenCV's values first, which takes hours; goes on where it stopped."),
    ] = False,
    full_size_pairs: Annotated[
        int, typer.Option(min=1, help="Pairs at their own size that OpenCV is timed on; half a minute each.")
    ] = 2,
) -> None:
    """Compare our Dual TV-L1 with OpenCV's: time, agreement, known motion, working sizes, scores.

    Example: reelops benchmark flow --out reports/quality/flow.json
    """
    from rich.console import Console

    from reelops.evaluation.benchmark_flow import benchmark_flow, make_golden, read_golden
    from reelops.evaluation.params import load_benchmark_params
    from reelops.files import write_text_atomically
    from reelops.metrics.suite import load_score_settings
    from reelops.settings import load_settings

    console = Console(stderr=True)
    settings = load_settings()
    params = load_benchmark_params(settings.params_file)
    videos = clips or params.find("clips", settings.root)
    pictures = params.find("pictures", settings.root)
    if not videos or not pictures:
        raise SettingsError("benchmark.clips or benchmark.pictures in params.yaml match nothing here; name some.")
    golden_file = settings.root / FLOW_GOLDEN
    scale = load_score_settings(settings.params_file).temporal_scale
    with console.status("Measuring") as status:

        def on_step(step: str) -> None:
            status.update(f"Measuring: {step}")

        if golden:
            make_golden(videos, pictures, golden_file, on_step)
        figures = benchmark_flow(videos, pictures, scale, read_golden(golden_file), full_size_pairs, on_step)
    write_text_atomically(settings.root / out, json.dumps(figures, indent=1) + "\n")
    _show_flow(figures, console)
    console.print(f"Written to {out}.")


def train(
    steps: Annotated[int, typer.Option(min=2, help="Training steps of each run.")] = 6,
    rounds: Annotated[int, typer.Option(min=1, help="Runs of each way, taking turns.")] = 2,
    out: Annotated[Path, typer.Option(help="Where the figures go.")] = TRAIN_REPORT,
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


def _show_flow(figures: dict[str, Any], console: Console) -> None:
    from rich.table import Table

    table = Table("Our Dual TV-L1 beside OpenCV's", "Measured", "Wanted")
    for name, measured, wanted in flow_verdicts(figures):
        table.add_row(name, measured, wanted)
    console.print(table)


def flow_verdicts(figures: dict[str, Any]) -> list[tuple[str, str, str]]:
    """What was asked of the flow, in words: figure, what was measured, what was wanted."""
    time, equal, known, score = (figures[part] for part in ("time", "equal_parameters", "known_motion", "score"))
    errors = known["all"]
    theirs = [value for name, value in errors.items() if name.startswith("opencv") and value is not None]
    rows = [
        ("times less processor time a pair, ours at 160 rows", _least(time, "times_less_cpu_at_160_rows"), "200"),
        ("times less processor time a pair, same size", _least(time, "times_less_cpu_same_size"), "200"),
        ("times less processor time at equal parameters", _least(equal, "times_less_cpu"), "10"),
        ("median distance at equal parameters, px", _most(equal, "median_distance"), "at most 0.05"),
        ("mean distance at equal parameters, px", _most(equal, "mean_distance"), "at most 0.3"),
        ("error on known motion at 160 rows, px", f"{errors['ours_160']:.3f}", f"at most {1.05 * min(theirs):.3f}"),
        ("error on known motion at 480 rows, px", f"{errors['ours_480']:.3f}", f"at most {1.05 * min(theirs):.3f}"),
        ("spread of motion over working sizes", _most(figures["working_size"], "spread"), "at most 0.05"),
        ("same to the last bit on any threads", str(all(figures["identical"].values())), "True"),
    ]
    if score["rank_correlation"] is not None:
        rows += [
            ("rank correlation of scores", f"{score['rank_correlation']:.3f}", "at least 0.95"),
            ("mean difference of scores", f"{score['mean_absolute_difference']:.3f}", "at most 0.05"),
        ]
    return rows


def _least(rows: list[dict[str, Any]], name: str) -> str:
    return f"{min(row[name] for row in rows):.4g}"


def _most(rows: list[dict[str, Any]], name: str) -> str:
    return f"{max(row[name] for row in rows):.4g}"

"""`reelops pretrain`: train the embedded model, or measure it."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from reelops.camera.moves import CameraMove
from reelops.cogvideox.profiles import find_profile
from reelops.params import Config, find_files, load_config
from reelops.production.producer import build_producer
from reelops.system.files import write_text_atomically
from reelops.views.progress_bar import watching

if TYPE_CHECKING:
    from reelops.pretraining.params import PretrainParams
    from reelops.pretraining.stage import PretrainConfig

MODEL = Path("models/tiny-i2v")
REPORTS = Path("reports/pretrain")
WORK = Path(".cache/pretrain")
FURTHER = Path(".cache/pretrain-further")


def register(app: typer.Typer) -> None:
    app.command("pretrain")(pretrain)


def pretrain(
    evaluate_only: Annotated[
        bool, typer.Option("--evaluate-only", help="Train nothing; measure the published model again.")
    ] = False,
    model: Annotated[Path | None, typer.Option(help="The model's folder.", show_default=str(MODEL))] = None,
    work: Annotated[
        Path | None, typer.Option(help="Where checkpoints and latents are kept.", show_default=str(WORK))
    ] = None,
    hours: Annotated[
        float | None, typer.Option(min=0.01, help="Train for so long in all, instead of the minutes in pretrain.yaml.")
    ] = None,
    pictures: Annotated[
        int | None, typer.Option(min=1, help="Evaluate only so many held-out pictures; writes no report.")
    ] = None,
    further: Annotated[
        bool,
        typer.Option("--further", help="Train the published model's transformer and decoder on, from its weights."),
    ] = False,
    keep_published: Annotated[
        bool, typer.Option("--keep-published", help="Leave the candidate in the work folder even if it is better.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Train the embedded model and publish it if it is better than the one that is there.

    It goes on from its checkpoints: stop it with Ctrl-C whenever you like and run it again. On two CPU cores it takes
    hours; on a GPU machine far less.

    Examples: reelops pretrain --hours 8    |    reelops pretrain --further    |    reelops pretrain --evaluate-only
    """
    from reelops.pretraining.params import PretrainParams

    console = Console(stderr=True)
    config = load_config()
    params = config.block("pretrain", PretrainParams)
    folder = (config.root / (model or MODEL)).resolve()
    if evaluate_only:
        figures = _evaluate(folder, params, config, console, pictures)
    else:
        at = config.root / (work or (FURTHER if further else WORK))
        start = folder if further else None
        figures = _train(folder, at, params, config, console, hours, keep_published, start)
    if as_json:
        print(json.dumps({key: value for key, value in figures.items() if key != "results"}, indent=2))


def _evaluate(
    folder: Path, params: PretrainParams, config: Config, console: Console, only: int | None
) -> dict[str, Any]:
    from reelops.pretraining.publish import write_card

    figures = measure(folder, params, config, console, only)
    if only is None:
        _write_reports(figures, config.root / REPORTS)
        training = json.loads((folder / "training.json").read_text())
        write_card(folder, figures, training)
    _show(console, figures)
    return figures


def _train(
    folder: Path,
    work: Path,
    params: PretrainParams,
    config: Config,
    console: Console,
    hours: float | None,
    keep_published: bool,
    start_from: Path | None,
) -> dict[str, Any]:
    from reelops.pretraining.publish import is_better, publish, read_figures, write_card
    from reelops.pretraining.stage import Pretraining

    picture_files, no_pictures = find_files(params.pictures, config.root, "pictures in pretrain.yaml")
    video_files, no_videos = find_files(params.videos, config.root, "videos in pretrain.yaml")
    for pattern in (*no_pictures, *no_videos):
        console.print(f"[yellow]Nothing matches {pattern}; training goes on without it.[/yellow]")
    if not picture_files:
        console.print("[yellow]Only the photographs that scikit-image brings are learnt from.[/yellow]")
    plan = params.config() if hours is None else _within(params.config(), hours * 3600)
    candidate = work / "candidate"
    run = Pretraining(plan, picture_files, video_files, work, _reporter(console), start_from)
    run.run(candidate)
    figures = measure(candidate, params, config, console, None)
    published = read_figures(config.root / REPORTS / "metrics.json") if (folder / "model_index.json").exists() else None
    if keep_published or not is_better(figures, published):
        console.print(f"The published model stays; the candidate is in {candidate}.")
    else:
        publish(candidate, folder)
        training = run.facts()
        (folder / "training.json").write_text(json.dumps(training, indent=2) + "\n")
        _write_reports(figures, config.root / REPORTS)
        write_card(folder, figures, training)
        console.print(f"Published to {folder}.")
    _show(console, figures)
    return figures


def _within(config: PretrainConfig, seconds: float) -> PretrainConfig:
    """The same shares of time for VAE, transformer and decoder, within `seconds` in all."""
    factor = seconds / (config.vae.seconds + config.transformer.seconds + config.decoder_seconds)
    return replace(
        config,
        vae=replace(config.vae, seconds=config.vae.seconds * factor),
        transformer=replace(config.transformer, seconds=config.transformer.seconds * factor),
        decoder_seconds=config.decoder_seconds * factor,
    )


def _reporter(console: Console) -> Callable[[str, dict[str, Any]], None]:
    """One line every ten seconds at most, and all of a phase's last words."""
    last: dict[str, Any] = {"time": 0.0, "phase": ""}

    def report(phase: str, row: dict[str, Any]) -> None:
        now = time.monotonic()
        if phase == last["phase"] and now - last["time"] < 10:
            return
        last.update(time=now, phase=phase)
        console.print(f"[bold]{phase:<12}[/bold]" + "  ".join(f"{key} {value}" for key, value in row.items()))

    return report


def measure(folder: Path, params: PretrainParams, config: Config, console: Console, only: int | None) -> dict[str, Any]:
    """All figures of the model in `folder` on the held-out pictures."""
    import torch
    from diffusers import AutoencoderKLCogVideoX

    from reelops.pretraining.evaluate import evaluate_generation, evaluate_vae
    from reelops.pretraining.params import held_out_pictures

    pictures = held_out_pictures(params, config.root)[:only]
    producer = build_producer(config)
    total, made = len(pictures) * len(CameraMove), count(1)
    with watching("clips") as watch:
        watch.show("Generating", 0, total)
        figures = evaluate_generation(
            producer.frames,
            pictures,
            _as_published(folder, config),
            lambda _: watch.show("Generating", next(made), total),
        )
    vae = AutoencoderKLCogVideoX.from_pretrained(folder, subfolder="vae").float()
    width, height = params.config().vae.size
    with console.status("Reconstructing"):
        figures |= evaluate_vae(vae, pictures, (width, height))
    figures["weights_mb"] = round(sum(path.stat().st_size for path in folder.rglob("*.safetensors")) / 1e6, 2)
    figures["machine"] = f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}"
    return figures


def _as_published(folder: Path, config: Config) -> dict[str, Any]:
    """The model in `folder`, sampled with the steps and guidance of the published one, which it may replace."""
    tiny = find_profile("tiny", config)
    name = "tiny" if folder == (config.root / MODEL).resolve() else str(folder)
    return {"profile": name, "steps": tiny.steps, "guidance": tiny.guidance}


def _write_reports(figures: dict[str, Any], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rows = figures["results"]
    head = {key: value for key, value in figures.items() if key != "results"}
    write_text_atomically(folder / "metrics.json", json.dumps(head, indent=2) + "\n")
    write_text_atomically(folder / "clips.json", json.dumps(rows, indent=1) + "\n")


def _show(console: Console, figures: dict[str, Any]) -> None:
    from reelops.pretraining.evaluate import AT_LEAST, AT_MOST

    table = Table(title=f"tiny-i2v on {figures['clips']} clips")
    for column in ("figure", "measured", "wanted"):
        table.add_column(column, justify="left" if column == "figure" else "right")
    for limits, words in ((AT_LEAST, "at least"), (AT_MOST, "at most")):
        for key, limit in limits.items():
            good = figures[key] >= limit if words == "at least" else figures[key] <= limit
            table.add_row(key, f"[{'green' if good else 'red'}]{figures[key]}[/]", f"{words} {limit}")
    console.print(table)

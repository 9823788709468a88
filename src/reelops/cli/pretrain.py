"""`reelops pretrain`: train the embedded model, or measure it."""

from __future__ import annotations

import json
import platform
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from reelops.cogvideox.profiles import find_profile
from reelops.params import Config, load_config
from reelops.production.producer import build_producer
from reelops.progress import Event, LogMessage, RunContext, signals_awaited
from reelops.settings import EMBEDDED_MODEL, real_path
from reelops.system.device_lock import hold_accelerator
from reelops.system.files import write_text_atomically
from reelops.views.console import note, terminal
from reelops.views.progress_bar import watching

if TYPE_CHECKING:
    from reelops.pretraining.params import PretrainParams
    from reelops.pretraining.plan import PretrainingPlan
    from reelops.pretraining.stage import PretrainingResult

PROFILE = "tiny"
CARD = "card.md"  # beside the model's parts
REPORTS = Path("reports/pretrain")
WORK = Path(".cache/pretrain")
FURTHER = Path(".cache/pretrain-further")
_LINE_SECONDS = 10.0


def register(app: typer.Typer) -> None:
    app.command("pretrain")(pretrain)


def pretrain(
    evaluate_only: Annotated[
        bool, typer.Option("--evaluate-only", help="Train nothing; measure the published model again.")
    ] = False,
    model: Annotated[Path | None, typer.Option(help="The model's folder.", show_default=str(EMBEDDED_MODEL))] = None,
    work: Annotated[
        Path | None, typer.Option(help="Where checkpoints and latents are kept.", show_default=str(WORK))
    ] = None,
    hours: Annotated[
        float | None,
        typer.Option(
            min=0.01,
            max=10_000,
            help="Train for so long in all, instead of the minutes in pretrain.yaml.",
        ),
    ] = None,
    pictures: Annotated[
        int | None, typer.Option(min=1, max=10_000, help="Evaluate only so many held-out pictures; writes no report.")
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

    It resumes from its checkpoints: stop it with Ctrl-C whenever you like and run it again. On two CPU cores it takes
    hours; on a GPU machine far less.

    Examples: reelops pretrain --hours 8    |    reelops pretrain --further    |    reelops pretrain --evaluate-only
    """
    from reelops.pretraining.params import PretrainParams
    from reelops.pretraining.plan import plan_pretraining

    console = terminal(stderr=True)
    config = load_config()
    params = config.block("pretrain", PretrainParams)
    folder = real_path(config.root / (model or EMBEDDED_MODEL))
    if evaluate_only:
        figures = _evaluate(folder, params, config, console, pictures)
    else:
        place = config.root / (work or (FURTHER if further else WORK))
        plan = plan_pretraining(params, config, place, hours, folder if further else None)
        result = _train(plan, console)
        figures = measure(plan.candidate, params, config, console, None)
        _publish_if_better(result, figures, folder, config, console, keep_published)
    _show(console, figures)
    if as_json:
        print(json.dumps({key: value for key, value in figures.items() if key != "results"}, indent=2))


def _evaluate(
    folder: Path, params: PretrainParams, config: Config, console: Console, only: int | None
) -> dict[str, Any]:
    from reelops.pretraining.facts import read_facts
    from reelops.pretraining.publish import card_of

    training = read_facts(folder) if only is None else None
    figures = measure(folder, params, config, console, only)
    if training is not None:
        _write_reports(figures, config.root / REPORTS)
        write_text_atomically(folder / CARD, card_of(figures, training))
    return figures


def _train(plan: PretrainingPlan, console: Console) -> PretrainingResult:
    from reelops.pretraining.stage import run_pretraining

    for text in plan.notes:
        note(text)
    with signals_awaited(signal.SIGINT, signal.SIGTERM) as should_stop:
        return run_pretraining(plan, RunContext(_printer(console), should_stop))


def _publish_if_better(
    result: PretrainingResult,
    figures: dict[str, Any],
    folder: Path,
    config: Config,
    console: Console,
    keep_published: bool,
) -> None:
    from reelops.pretraining.evaluate import BOUNDS
    from reelops.pretraining.facts import TRAINING, read_figures
    from reelops.pretraining.publish import card_of, is_better, publish

    candidate, earlier = result.plan.candidate, config.root / REPORTS / "metrics.json"
    published = read_figures(earlier, BOUNDS) if (folder / "model_index.json").exists() else None
    if keep_published or not is_better(figures, published):
        console.print(f"The published model stays; the candidate is in {escape(str(candidate))}.", soft_wrap=True)
        return
    facts = json.dumps(result.facts, indent=2) + "\n"
    publish(candidate, folder, {TRAINING: facts, CARD: card_of(figures, result.facts)})
    _write_reports(figures, config.root / REPORTS)
    console.print(f"Published to {escape(str(folder))}.", soft_wrap=True)


def _printer(console: Console) -> Callable[[Event], None]:
    """Prints a line every ten seconds at most, and the first of every phase."""
    last_stage, last_time = "", 0.0

    def on_event(event: Event) -> None:
        nonlocal last_stage, last_time
        if isinstance(event, LogMessage):
            console.print(escape(event.text), soft_wrap=True)
            return
        now = time.monotonic()
        if event.stage == last_stage and now - last_time < _LINE_SECONDS:
            return
        last_stage, last_time = event.stage, now
        figures = "".join(f"  {name} {value:g}" for name, value in event.figures.items())
        console.print(f"[bold]{event.stage:<12}[/bold]{event.done:.0f} of {event.total:.0f} {event.unit}{figures}")

    return on_event


def measure(folder: Path, params: PretrainParams, config: Config, console: Console, only: int | None) -> dict[str, Any]:
    """All figures of the model in `folder` on the held-out pictures."""
    import torch
    from diffusers import AutoencoderKLCogVideoX

    from reelops.pretraining.evaluate import evaluate_generation, evaluate_shapes, evaluate_vae
    from reelops.pretraining.params import held_out_pictures

    pictures = held_out_pictures(params, config.root)[:only]
    config = _with_model(folder, config)
    profile = find_profile(PROFILE, config)
    producer = build_producer(config)
    with watching() as context, hold_accelerator(context):
        figures = evaluate_generation(producer.frames, pictures, profile, context)
        figures["shapes"] = evaluate_shapes(producer.frames, pictures, profile, context)
    vae = AutoencoderKLCogVideoX.from_pretrained(folder, subfolder="vae", use_safetensors=True).float()
    width, height = params.config().vae.size
    with console.status("Reconstructing"):
        figures |= evaluate_vae(vae, pictures, (width, height))
    figures["weights_mb"] = round(sum(path.stat().st_size for path in folder.rglob("*.safetensors")) / 1e6, 2)
    figures["machine"] = f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}"
    return figures


def _with_model(folder: Path, config: Config) -> Config:
    """The model in `folder` in the place of the published one, with all that its profile says."""
    find_profile(PROFILE, config)  # it says what is wrong with that one
    profiles = config.content["profiles"]
    tried = {**profiles, PROFILE: {**profiles[PROFILE], "folder": str(folder)}}
    return Config(config.settings, {**config.content, "profiles": tried})


def _write_reports(figures: dict[str, Any], folder: Path) -> None:
    rows = figures["results"]
    head = {key: value for key, value in figures.items() if key != "results"}
    write_text_atomically(folder / "metrics.json", json.dumps(head, indent=2) + "\n")
    write_text_atomically(folder / "clips.json", json.dumps(rows, indent=1) + "\n")


def _show(console: Console, figures: dict[str, Any]) -> None:
    from reelops.pretraining.evaluate import BOUNDS, SHAPE_FIGURES

    table = Table(title=f"tiny-i2v on {figures['clips']} clips")
    for column in ("figure", "measured", "wanted"):
        table.add_column(column, justify="left" if column == "figure" else "right")
    for name, bound in BOUNDS.items():
        colour = "green" if bound.holds(figures[name]) else "red"
        table.add_row(name, f"[{colour}]{figures[name]}[/]", str(bound))
    console.print(table)
    shapes = Table("size", "clips", "first frame, dB", "content kept, dB", "moves followed", title="In other shapes")
    for shape in figures["shapes"]:
        shapes.add_row(shape["size"], *(str(shape[key]) for key in SHAPE_FIGURES))
    console.print(shapes)

"""`reelops generate`: a picture and a sentence become a clip, or several."""

from __future__ import annotations

import json
import signal
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reelops.clip import ClipOrder
from reelops.errors import InputError

if TYPE_CHECKING:
    from reelops.params import Config
    from reelops.production.pipeline import Take

REJECTED = 3


class Fit(StrEnum):
    CROP = "crop"
    PAD = "pad"


class Quality(StrEnum):
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    FAST = "fast"
    LOSSLESS = "lossless"


def register(app: typer.Typer) -> None:
    app.command()(generate)


def generate(
    picture: Annotated[Path, typer.Argument(help="The picture that the clip starts from.")],
    prompt: Annotated[str, typer.Argument(help="A sentence; it may name a camera move, such as 'slow zoom in'.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The clip to write.", show_default="named after both, in outputs/"),
    ] = None,
    profile: Annotated[
        str, typer.Option("--profile", "-p", help="A base model of params.yaml, or a folder in diffusers layout.")
    ] = "tiny",
    seed: Annotated[int, typer.Option(help="The same seed gives the same clip.", min=0)] = 0,
    seeds: Annotated[str, typer.Option(help="Several clips, one a seed: 1,2,3.", show_default=False)] = "",
    steps: Annotated[
        int | None, typer.Option(help="Sampling steps.", min=1, max=1000, show_default="the profile's")
    ] = None,
    guidance: Annotated[
        float | None,
        typer.Option(help="How strictly the prompt is followed; 1 is off.", min=1.0, show_default="the profile's"),
    ] = None,
    negative_prompt: Annotated[str, typer.Option(help="What to steer away from.", show_default=False)] = "",
    adapter: Annotated[Path | None, typer.Option(help="A LoRA, file or folder.", show_default=False)] = None,
    adapter_strength: Annotated[float, typer.Option(help="1 applies the adapter as trained.")] = 1.0,
    fit: Annotated[Fit, typer.Option(help="A picture of another aspect is cropped or padded.")] = Fit.CROP,
    quality: Annotated[Quality, typer.Option(help="How the file is encoded.")] = Quality.HIGH,
    track: Annotated[bool, typer.Option("--track/--no-track", help="Log the run to MLflow.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object; a list with --seeds.")] = False,
    force: Annotated[bool, typer.Option("--force", "-f", help="Overwrite the output.")] = False,
) -> None:
    """Turn a picture and a sentence into a short clip, scored, judged and logged.

    Beside clip.mp4 stand clip.contact.jpg, a contact sheet, and clip.json with everything that is known about it. A
    rejected clip is kept, and exit code 3 says so.

    Example: reelops generate photo.jpg "A lighthouse at dusk, slow zoom in" -o clip.mp4
    """
    from reelops.params import load_config
    from reelops.production.pipeline import check_order

    order = ClipOrder(
        picture=picture,
        prompt=prompt,
        profile=profile,
        seed=seed,
        steps=steps,
        guidance=guidance,
        negative_prompt=negative_prompt,
        adapter=adapter,
        adapter_strength=adapter_strength,
        fit=fit.value,
    )
    orders = [replace(order, seed=number) for number in _numbers(seeds)] if seeds else [order]
    outputs = _outputs(orders, output, force)
    config = load_config()
    check_order(order, config)
    takes = _produce(orders, outputs, config, quality.value, track, show=not as_json)
    if as_json:
        answers = [take.to_json() for take in takes]
        typer.echo(json.dumps(answers if seeds else answers[0], indent=2, ensure_ascii=False))
    if any(take.verdict.decision.value == "reject" for take in takes):
        raise typer.Exit(REJECTED)


def _produce(
    orders: Sequence[ClipOrder], outputs: Sequence[Path], config: Config, quality: str, track: bool, show: bool
) -> list[Take]:
    from reelops.production.pipeline import produce
    from reelops.progress import signal_noted
    from reelops.system.device_lock import hold_device
    from reelops.views.take import err, progress_bar, show_take

    takes = []
    for order, output in zip(orders, outputs, strict=True):
        with (
            signal_noted(signal.SIGINT, KeyboardInterrupt) as should_stop,
            progress_bar(f"Starting, seed {order.seed}") as on_progress,
            hold_device(config.home, lambda message: err.print(f"[yellow]Waiting:[/] {message}")),
        ):
            take = produce(order, output, config, quality, track, on_progress, should_stop)
        if show:
            show_take(take)
        takes.append(take)
    return takes


def _outputs(orders: Sequence[ClipOrder], output: Path | None, force: bool) -> list[Path]:
    """One free place for each order, checked before any work is done."""
    from reelops.production.pipeline import check_output, default_output

    if output is None:
        return [default_output(order, Path.cwd() / "outputs") for order in orders]
    if output.is_dir():
        return [default_output(order, output.absolute()) for order in orders]
    if len(orders) == 1:
        return [check_output(output, force)]
    return [check_output(output.with_stem(f"{output.stem}-seed{order.seed}"), force) for order in orders]


def _numbers(text: str) -> list[int]:
    """Seeds from "1,2,3".

    Raises:
        InputError: something else stands there.
    """
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() for part in parts) or len(set(parts)) != len(parts):
        raise InputError(f"--seeds is {text!r}; give different whole numbers, joined by commas: 1,2,3.")
    return [int(part) for part in parts]

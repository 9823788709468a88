"""`reelops generate`: a picture and a sentence become a clip, or several."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from reelops.cli.order_options import takes_order
from reelops.clip import ClipOrder
from reelops.errors import REJECTED, InputError
from reelops.params import load_config
from reelops.production.output_names import check_name, is_folder
from reelops.production.output_place import OutputPlace, output_places
from reelops.production.producer import Producer, build_producer
from reelops.production.take import Take
from reelops.progress import signal_noted
from reelops.system.interpreter import process_age
from reelops.views.progress_bar import watching
from reelops.views.take import show_take

_A_SEED = re.compile(r"[0-9]{1,19}")


def register(app: typer.Typer) -> None:
    app.command()(generate)


@takes_order()
def generate(
    order: ClipOrder,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The clip to write.", show_default="named after both, in outputs/"),
    ] = None,
    seeds: Annotated[str, typer.Option(help="Several clips, one per seed: 1,2,3.", show_default=False)] = "",
    track: Annotated[bool, typer.Option("--track/--no-track", help="Log the run to MLflow.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object; a list with --seeds.")] = False,
    force: Annotated[bool, typer.Option("--force", "-f", help="Overwrite the clip and what lies beside it.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Print every score and all seconds.")] = False,
) -> None:
    """Turn a picture and a sentence into a short clip, scored, judged and logged.

    Beside clip.mp4 stand clip.contact.jpg, a contact sheet, and clip.json with everything that is known about it. A
    rejected clip is kept, and exit code 3 says so.

    Example: reelops generate photo.jpg "A lighthouse at dusk, slow zoom in" -o clip.mp4
    """
    orders = [order.but(seed=number) for number in _numbers(seeds)] if seeds else [order]
    if output is not None and not is_folder(output):
        check_name(output)
    producer = build_producer(load_config())
    producer.check(order)
    with output_places(orders, output, Path("outputs"), force) as places:
        takes = _produce(producer, orders, places, track, None if as_json else lambda take: show_take(take, verbose))
    if as_json:
        answers = [take.to_json() for take in takes]
        typer.echo(json.dumps(answers if seeds else answers[0], indent=2, ensure_ascii=False))
    if any(take.is_rejected for take in takes):
        raise typer.Exit(REJECTED)


def _produce(
    producer: Producer,
    orders: Sequence[ClipOrder],
    places: Sequence[OutputPlace],
    track: bool,
    show: Callable[[Take], None] | None,
) -> list[Take]:
    takes: list[Take] = []
    for order, place in zip(orders, places, strict=True):
        with (
            signal_noted(signal.SIGINT, KeyboardInterrupt) as should_stop,
            watching(f"Starting, seed {order.seed}", should_stop) as context,
        ):
            start_seconds = None if takes else process_age()
            take = producer.produce(order, place, context, track, start_seconds)
        if show is not None:
            show(take)
        takes.append(take)
    return takes


def _numbers(text: str) -> list[int]:
    """Seeds from "1,2,3".

    Raises:
        InputError: something else stands there.
    """
    parts = [part.strip() for part in text.split(",")]
    if not all(_A_SEED.fullmatch(part) for part in parts) or len(set(map(int, parts))) != len(parts):
        raise InputError(f"--seeds is {text!r}; give different whole numbers, joined by commas: 1,2,3.")
    return [int(part) for part in parts]

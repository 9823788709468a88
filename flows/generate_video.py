"""A picture and a sentence become a scored, judged and tracked clip.

Alone, with an embedded server:  python -m flows generate-video photo.jpg "slow zoom in" -o clip.mp4
As a deployment:                 prefect deploy --all; prefect worker start --pool gpu
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from prefect import flow
from prefect.runtime import flow_run
from prefect.states import Completed

from reelops.cli.order_options import takes_order
from reelops.clip import ClipOrder
from reelops.errors import DONE, REJECTED
from reelops.params import load_config
from reelops.production.output_place import output_place
from reelops.production.producer import build_producer
from reelops.production.take import Take
from reelops.system.interpreter import process_age
from reelops.views.progress_bar import watching
from reelops.views.take import show_take
from tasks.generation import StepsAsTasks, gpu_slot, is_watched, run_context, watched_by
from tasks.quiet import quieten
from tasks.server import require_server
from tasks.stopping import sigterm_noted
from tasks.tracking import show_clip


def _run_name() -> str:
    order = flow_run.parameters["order"]
    order = order if isinstance(order, ClipOrder) else ClipOrder.model_validate(order)
    return f"{order.profile}: {order.prompt}"


@flow(name="generate-video", flow_run_name=_run_name, retries=0)
def generate_video(order: ClipOrder, output: str | None = None, track: bool = True, overwrite: bool = False) -> Take:
    """Turn a picture and a sentence into a short clip: generate, encode, score, judge, log.

    Args:
        order: what is asked for; paths are those of the machine that runs the flow.
        output: path of the clip, .mp4, or of a folder that is there; None takes ReelOps' outputs folder. In a folder
            the clip is named after what was ordered; no two runs choose one name.
        track: log the run to MLflow.
        overwrite: replace an output that exists, and what lies beside it under its name.
    """
    config = load_config()
    producer = build_producer(config, device=lambda _: gpu_slot(config), run_step=StepsAsTasks())
    producer.check(order)
    given = Path(output) if output else None
    with sigterm_noted(), output_place(order, given, config.outputs, overwrite) as place:
        take = producer.produce(order, place, run_context(), track, process_age() if is_watched() else None)
    show_clip(take)
    return _finished(take)


def _finished(take: Take) -> Any:
    """A completed state named after the verdict, so that a list of runs shows which clips were rejected."""
    name = {"accept": "Accepted", "review": "Review", "reject": "Rejected"}[take.verdict.decision.value]
    return Completed(name=name, message=" ".join(reason.text for reason in take.verdict.reasons) or None, data=take)


@takes_order()
def command(
    order: ClipOrder,
    output: Annotated[
        str | None, typer.Option("--output", "-o", help="The clip to write.", show_default="a new name in outputs")
    ] = None,
    track: Annotated[bool, typer.Option("--track/--no-track", help="Log the run to MLflow.")] = True,
    force: Annotated[bool, typer.Option("--force", "-f", help="Overwrite the clip and what lies beside it.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Print every score and all seconds.")] = False,
) -> int:
    """Turn a picture and a sentence into a short clip, as a run of the flow generate-video.

    Example: python -m flows generate-video photo.jpg "A lighthouse at dusk, slow zoom in" -o clip.mp4
    """
    quieten()
    require_server()
    with watching("Starting Prefect") as context, watched_by(context.on_event):
        take = generate_video(order, output, track, force)
    show_take(take, verbose)
    return REJECTED if take.is_rejected else DONE

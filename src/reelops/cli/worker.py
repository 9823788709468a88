"""`reelops worker`: makes what the service was asked for."""

from __future__ import annotations

import os
import signal
from contextlib import closing, suppress
from typing import Annotated

import typer

from reelops.cli.worker_options import AtOnce, Track
from reelops.errors import Cancelled
from reelops.params import load_config
from reelops.progress import Event, LogMessage, RunContext, signals_awaited
from reelops.views.console import err, note


def register(app: typer.Typer) -> None:
    app.command()(worker)


def worker(
    at_once: AtOnce = None,
    track: Track = True,
    lease: Annotated[
        float,
        typer.Option(help="Seconds after which a worker that is not heard of has lost its jobs.", min=2, max=86400),
    ] = 120.0,
    ends_with_parent: Annotated[bool, typer.Option("--ends-with-parent", hidden=True)] = False,
) -> None:
    """Make the clips that the service was asked for, until it is stopped.

    Any number of workers may share a ledger (REELOPS_LEDGER_URI) and a home. Ctrl-C or SIGTERM hands back what is being
    made: it waits for the next worker. What a worker that was killed had is free again when its host sees that, or when
    its lease ends. Each keeps its models loaded between jobs.

    Example: reelops worker -j 1
    """
    from reelops.production.batch.lanes import BatchSettings, default_lanes
    from reelops.production.jobs.ledger import Ledger
    from reelops.production.producer import build_producer
    from reelops.production.worker import clips_folder, serve_queue
    from reelops.production.worker_sign import seen_at_work
    from reelops.service.limits import load_limits
    from reelops.service.score_jobs import SCORE, scoring_of

    config = load_config()
    settings = BatchSettings(
        retries=load_limits(config).retries, lanes=at_once or default_lanes(), track=track, lease_seconds=lease
    )
    producer, parent = build_producer(config), os.getppid()
    with (
        closing(Ledger(config.ledger_uri)) as ledger,
        seen_at_work(config.home),
        signals_awaited(signal.SIGINT, signal.SIGTERM) as asked,
    ):

        def should_stop() -> bool:
            return asked() or (ends_with_parent and os.getppid() != parent)

        context = RunContext(_told, should_stop)
        if not ends_with_parent:
            err.print(f"Makes the jobs of {clips_folder(config).parent}, {settings.lanes} at once. Ctrl-C stops it.")
        with suppress(Cancelled):  # the way in which a worker ends
            serve_queue(producer, ledger, clips_folder(config), settings, context, {SCORE: scoring_of(config)})


def _told(event: Event) -> None:
    if isinstance(event, LogMessage):
        note(event.text)

"""`reelops serve`: the API on this machine, with a worker beside it."""

from __future__ import annotations

from typing import Annotated

import typer

from reelops.cli.serving import run_service, worker_arguments
from reelops.cli.worker_options import AtOnceInEach, Track


def register(app: typer.Typer) -> None:
    app.command()(serve)


def serve(
    host: Annotated[
        str, typer.Option(help="Where to listen; this machine alone, unless you name another address.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 takes a free one.", min=0, max=65535)] = 8000,
    workers: Annotated[int, typer.Option(help="Workers beside it; 0 where they run elsewhere.", min=0, max=64)] = 1,
    at_once: AtOnceInEach = None,
    track: Track = True,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page.")] = False,
) -> None:
    """Serve the API on this machine, with a worker that makes the clips.

    Jobs are kept in a ledger: whatever ends the service or its worker, they are there when it is started again. On this
    machine it prints an address with a token that lets you in; a network gets in by keys alone (`reelops keys create`).
    Agents find their tools at /mcp, with the same token or a key.
    Ctrl-C stops it; what is being made waits for the next start.

    Example: reelops serve
    """
    run_service(host, port, workers, worker_arguments(at_once, track), browser=browser)

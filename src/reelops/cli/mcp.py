"""`reelops mcp`: the tools for agents, on a pipe or over HTTP."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from reelops.cli.serving import run_service, service_imports, worker_arguments
from reelops.cli.worker_options import AtOnceInEach, Track
from reelops.errors import SettingsError
from reelops.params import load_config


def register(app: typer.Typer) -> None:
    app.command()(mcp)


def mcp(
    allow: Annotated[
        list[Path] | None,
        typer.Option(
            help="A folder below which agents may name files; may be given several times.",
            show_default="on a pipe where it is started, unless that is your home; over HTTP none",
        ),
    ] = None,
    worker: Annotated[
        bool, typer.Option("--worker/--no-worker", help="Run a worker beside it, which makes the clips.")
    ] = False,
    http: Annotated[bool, typer.Option("--http", help="Listen on HTTP, at /mcp, rather than on a pipe.")] = False,
    host: Annotated[str, typer.Option(help="With --http: where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="With --http: 0 takes a free one.", min=0, max=65535)] = 8000,
    at_once: AtOnceInEach = None,
    track: Track = True,
) -> None:
    """Serve agents the tools to ask for clips, follow them, score and compare them.

    An agent's program starts this and speaks to it over a pipe (MCP, stdio). It enters jobs into the same ledger as
    `reelops serve`; whatever becomes of the agent, they go on. With --http it serves over HTTP what `reelops serve`
    serves, and agents may name files below --allow.

    Example: reelops mcp --worker --allow ~/pictures
    """
    folders = [_folder(path) for path in allow or ()]
    arguments = worker_arguments(at_once, track)
    if http:
        run_service(host, port, int(worker), arguments, folders)
        return
    with service_imports():
        from reelops.service.agents.doors import serve_pipe
        from reelops.service.agents.files import AgentFiles, default_folders
        from reelops.service.desk import open_desk
        from reelops.service.server import worker_beside

    desk = open_desk(load_config())
    files = AgentFiles(folders or default_folders(Path.cwd()), desk.limits.most_upload_bytes)
    try:
        with worker_beside(arguments) if worker else nullcontext():
            serve_pipe(desk, files)
    except KeyboardInterrupt:
        pass  # one way in which it ends
    finally:
        desk.close()


def _folder(path: Path) -> Path:
    folder = path.expanduser().absolute()
    if not folder.is_dir():
        raise SettingsError(f"--allow is {path}, which is no folder. Name one that is there.")
    return folder

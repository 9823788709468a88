"""`reelops serve`: the API on this machine, with a worker beside it."""

from __future__ import annotations

import webbrowser
from typing import Annotated

import typer

from reelops.errors import SettingsError
from reelops.params import load_config
from reelops.views.console import out

MOST_LANES = 64


def register(app: typer.Typer) -> None:
    app.command()(serve)


def serve(
    host: Annotated[
        str, typer.Option(help="Where to listen; this machine alone, unless you name another address.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 takes a free one.", min=0, max=65535)] = 8000,
    workers: Annotated[int, typer.Option(help="Workers beside it; 0 where they run elsewhere.", min=0, max=64)] = 1,
    at_once: Annotated[
        int | None,
        typer.Option(
            "--at-once",
            "-j",
            help="Clips in the making in a worker.",
            min=1,
            max=MOST_LANES,
            show_default="one per core, 4 at most",
        ),
    ] = None,
    track: Annotated[bool, typer.Option("--track/--no-track", help="Log each clip to MLflow.")] = True,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page.")] = False,
) -> None:
    """Serve the API on this machine, with a worker that makes the clips.

    Jobs are kept in a ledger: whatever ends the service or its worker, they are there when it is started again. On this
    machine it prints an address with a token that lets you in; a network gets in by keys alone (`reelops keys create`).
    Ctrl-C stops it; what is being made waits for the next start.

    Example: reelops serve
    """
    try:
        from reelops.service.access import session_token
        from reelops.service.app import LOOPBACK_NAMES, build_app
        from reelops.service.desk import open_desk
        from reelops.service.page.site import router as page_routes
        from reelops.service.server import is_loopback, listen, worker_beside
        from reelops.service.server import serve as answer
    except ImportError as error:
        raise SettingsError(f"The service needs {error.name}; install it: pip install 'reelops[service]'.") from error

    config = load_config()
    desk = open_desk(config)
    own = is_loopback(host)
    if not own and not any(key.is_valid for key in desk.keys.list()):
        raise SettingsError(
            f"{host} can be reached from a network, and there is no key yet, so nobody could get in. Create one: "
            "reelops keys create NAME."
        )
    session = session_token(config.home / "service") if own else None
    app = build_app(desk, session, LOOPBACK_NAMES if own else None, [page_routes])
    listening = listen(host, port)
    address = f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}"
    page = address if session is None else f"{address}/session?token={session}"

    def told() -> None:
        out.print(f"Serving at   {page}", soft_wrap=True)
        if session is not None:
            out.print(f"For programs Authorization: Bearer {session}", soft_wrap=True)
        out.print(f"API          {address}/openapi.json\nCtrl-C stops it; jobs are kept.", soft_wrap=True)
        if browser:
            webbrowser.open(page)

    arguments = [*([] if at_once is None else ["--at-once", str(at_once)]), *([] if track else ["--no-track"])]
    try:
        with worker_beside(arguments, workers):
            answer(app, listening, told)
    except KeyboardInterrupt:
        pass  # the way in which a service ends
    finally:
        desk.close()

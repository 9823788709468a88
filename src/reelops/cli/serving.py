"""The process of the service: what `reelops serve` and `reelops mcp --http` run, and the worker beside them."""

from __future__ import annotations

import webbrowser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from reelops.errors import SettingsError
from reelops.params import load_config
from reelops.views.console import out


def worker_arguments(at_once: int | None, track: bool) -> list[str]:
    """The options of a worker that is started beside."""
    return [*([] if at_once is None else ["--at-once", str(at_once)]), *([] if track else ["--no-track"])]


def run_service(
    host: str,
    port: int,
    workers: int,
    arguments: Sequence[str],
    folders: Sequence[Path] = (),
    browser: bool = False,
) -> None:
    """Serves until it is stopped.

    Args:
        arguments: of each worker.
        folders: below these agents may name files of this machine.

    Raises:
        SettingsError: what it needs is not installed, or nobody could get in.
        MachineError: it cannot listen there, or the ledger cannot be used.
    """
    with service_imports():
        from reelops.service.access import session_token
        from reelops.service.app import LOOPBACK_NAMES, build_app
        from reelops.service.desk import open_desk
        from reelops.service.page.site import router as page_routes
        from reelops.service.server import listen, worker_beside
        from reelops.service.server import serve as answer

    config = load_config()
    desk = open_desk(config)
    own = host in LOOPBACK_NAMES
    if not own and not any(key.is_valid for key in desk.keys.list()):
        raise SettingsError(
            f"{host} can be reached from a network, and there is no key yet, so nobody could get in. Create one: "
            "reelops keys create NAME."
        )
    session = session_token(config.home / "service") if own else None
    app = build_app(desk, session, LOOPBACK_NAMES if own else None, [page_routes], folders)
    listening = listen(host, port)
    address = f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}"
    page = address if session is None else f"{address}/session?token={session}"

    def told() -> None:
        out.print(f"Serving at   {page}", soft_wrap=True)
        if session is not None:
            out.print(f"For programs Authorization: Bearer {session}", soft_wrap=True)
        out.print(f"API          {address}/openapi.json\nAgents (MCP) {address}/mcp", soft_wrap=True)
        out.print("Ctrl-C stops it; jobs are kept.")
        if browser:
            webbrowser.open(page)

    try:
        with worker_beside(arguments, workers):
            answer(app, listening, told)
    except KeyboardInterrupt:
        pass  # the way in which a service ends
    finally:
        desk.close()


@contextmanager
def service_imports() -> Iterator[None]:
    """Within it a package of the service that is missing is named, with how to get it.

    Raises:
        SettingsError
    """
    try:
        yield
    except ImportError as error:
        raise SettingsError(f"The service needs {error.name}; install it: pip install 'reelops[service]'.") from error

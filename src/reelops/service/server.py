"""The API's process: a socket, the app on it, and a worker of its own beside it."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from reelops.errors import MachineError

_LOG = logging.getLogger("reelops.service")
_GRACE_SECONDS = 5
_STOP_SECONDS = 30.0
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 1.0, 30.0
_BACKLOG = 2048
_STDERR = 2  # where stdout is a pipe on which we speak, nothing else may be written there


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 takes a free one.

    Raises:
        MachineError: it cannot be listened to there.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
        made.listen(_BACKLOG)
    except OSError as error:
        made.close()
        raise MachineError(
            f"{host} port {port} cannot be listened to: {error.strerror}. Choose another with --host and --port."
        ) from error
    return made


def serve(app: ASGIApp, listening: socket.socket, on_start: Callable[[], None] = lambda: None) -> None:
    """Answers until Ctrl-C or SIGTERM, which then go on to whoever handled them before.

    Args:
        on_start: called once requests are answered.
    """
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        server_header=False,
        date_header=True,
        ws="none",
        proxy_headers=False,
    )
    server = uvicorn.Server(config)
    threading.Thread(target=_tell_once_started, args=(server, on_start), daemon=True).start()
    server.run(sockets=[listening])


def _tell_once_started(server: uvicorn.Server, on_start: Callable[[], None]) -> None:
    while not server.started:
        if server.should_exit:
            return
        time.sleep(0.02)
    on_start()


@contextmanager
def worker_beside(arguments: Sequence[str], number: int = 1) -> Iterator[None]:
    """Within it workers run in processes of their own; one that dies is started again, after ever longer pauses.

    Args:
        arguments: of `reelops worker`.
    """
    command = [sys.executable, "-m", "reelops.cli", "worker", "--ends-with-parent", *arguments]
    keepers = [_Keeper(command) for _ in range(number)]
    try:
        for keeper in keepers:
            keeper.thread.start()
        yield
    finally:
        for keeper in keepers:
            keeper.end()


class _Keeper:
    """Keeps one worker running."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = list(command)
        self._ends = threading.Event()
        self._starting = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self.thread = threading.Thread(target=self._keep, name="worker", daemon=True)

    def _keep(self) -> None:
        pause = _FIRST_PAUSE_SECONDS
        while True:
            with self._starting:
                if self._ends.is_set():
                    return
                # A session of its own: Ctrl-C in the terminal reaches us alone, and we end it in our order.
                self._process = subprocess.Popen(  # noqa: S603 - this program itself
                    self._command, start_new_session=True, stdin=subprocess.DEVNULL, stdout=_STDERR
                )
            began = time.monotonic()
            code = self._process.wait()
            if self._ends.is_set():
                return
            _LOG.error("The worker ended with code %d; another one is started in %.0f s.", code, pause)
            pause = _FIRST_PAUSE_SECONDS if time.monotonic() - began > _STOP_SECONDS else pause
            if self._ends.wait(pause):
                return
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    def end(self) -> None:
        """The worker hands back what it makes, and ends; one that does not is killed."""
        self._ends.set()
        with self._starting:
            process = self._process
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

"""Where commands are run as a user runs them: a home of its own, the small model, a picture, servers to ask."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

# Generous: a machine may be busy with other work.
POST_TRIES = 5
START_SECONDS = float(os.environ.get("REELOPS_TEST_PATIENCE", "240"))


@dataclass(frozen=True)
class Server:
    """A server that answers at `url`."""

    url: str

    def get(self, path: str) -> bytes:
        with urllib.request.urlopen(self.url + path, timeout=60) as answer:  # noqa: S310 - our own loopback address
            return bytes(answer.read())

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        request = urllib.request.Request(  # noqa: S310 - our own server
            self.url + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        for left in reversed(range(POST_TRIES)):
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - our own server
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                # Prefect's answer while its database is locked; nothing was done, and its own clients ask again, too.
                if error.code != HTTPStatus.SERVICE_UNAVAILABLE or not left:
                    raise
                time.sleep(1)
        raise AssertionError("the last try returns or raises")

    def flow_runs(self, flow: str) -> list[dict[str, Any]]:
        """Of a Prefect server: all runs of a flow, the last one first."""
        which = {"flows": {"name": {"any_": [flow]}}, "sort": "START_TIME_DESC"}
        return list(self.post("/api/flow_runs/filter", which))

    def task_runs(self, flow_run_id: str) -> dict[str, dict[str, Any]]:
        """Of a Prefect server: a flow run's tasks by their names."""
        runs = self.post("/api/task_runs/filter", {"flow_runs": {"id": {"any_": [flow_run_id]}}})
        return {run["name"]: run for run in runs}

    def artifact(self, flow_run_id: str) -> dict[str, Any]:
        """Of a Prefect server: the page that a flow run left."""
        of_the_run = {"flow_run_id": {"any_": [flow_run_id]}, "type": {"any_": ["markdown"]}}
        (page,) = self.post("/api/artifacts/filter", {"artifacts": of_the_run})
        return dict(page)


@dataclass(frozen=True)
class Studio:
    """A home folder with the small model, a picture, and a place for clips; and how commands are run there."""

    folder: Path
    model: Path
    environment: Mapping[str, str]

    @property
    def picture(self) -> Path:
        return self.folder / "harbour.png"

    @property
    def outputs(self) -> Path:
        return self.folder / "clips"

    @property
    def scratch(self) -> list[Path]:
        """Folders of runs that have begun to generate."""
        folder = self.folder / "home" / "cache" / "scratch"
        return list(folder.iterdir()) if folder.is_dir() else []

    def start(self, module: str, *arguments: str, log: Path | None = None, **environment: str) -> subprocess.Popen[str]:
        """A command; what it says goes to a file, where one is named, or waits to be read."""
        with contextlib.ExitStack() as stack:
            out = err = subprocess.PIPE if log is None else stack.enter_context(log.open("w")).fileno()
            return subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                stdout=out,
                stderr=err,
                text=True,
                env={**self.environment, **environment},
                start_new_session=True,
            )

    def run(self, module: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return ended(self.start(module, *arguments, **environment))

    def half_written(self) -> list[Path]:
        """What an unfinished run would leave: temporary files beside clips, frames at rest."""
        return [*self.outputs.glob(".*"), *self.scratch]


def wait_for(process: subprocess.Popen[str], happens: Callable[[], bool]) -> None:
    """Returns as soon as something happens, or the process has ended."""
    deadline = time.monotonic() + START_SECONDS
    while not happens() and process.poll() is None:
        assert time.monotonic() < deadline, "the moment never came"
        time.sleep(0.002)


def read_to_line(process: subprocess.Popen[str], start: str) -> list[str]:
    """What the process says on standard error up to the line that begins so, which must come in time."""
    assert process.stderr is not None
    said: list[str] = []
    limit = threading.Timer(START_SECONDS, process.kill)
    limit.start()
    try:
        for line in process.stderr:
            said.append(line)
            if line.startswith(start):
                return said
    finally:
        limit.cancel()
    raise AssertionError(f"no line began with {start!r}:\n{''.join(said)}")


def ended(process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
    """The process once it has ended by itself, which it must in time."""
    try:
        out, err = process.communicate(timeout=START_SECONDS)
    finally:
        end(process)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def end(process: subprocess.Popen[str]) -> None:
    """The process and whatever it started, the embedded Prefect server too."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def free_port() -> int:
    """A loopback port for a server that must be told one. Systems give outgoing connections higher ones, so that none
    of these takes it before the server does."""
    while True:
        port = 20_000 + secrets.randbelow(10_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def make_studio(folder: Path, model: Path | None = None) -> Studio:
    """One without a model is for what does not generate."""
    y, x = np.mgrid[0:64, 0:96]
    Image.fromarray(np.stack([x * 2, y * 3, 128 + 90 * np.sin(x / 7)], -1).astype(np.uint8)).save(
        folder / "harbour.png"
    )
    (folder / "clips").mkdir()
    own = {"HOME": str(folder / "user"), "REELOPS_HOME": str(folder / "home"), "OMP_NUM_THREADS": "1"}
    (folder / "user").mkdir()
    foreign = ("PREFECT_", "MLFLOW_", "REELOPS_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return Studio(folder, model or folder / "no-model", {**kept, **own})


@pytest.fixture
def bare_studio(tmp_path: Path) -> Studio:
    return make_studio(tmp_path)


@pytest.fixture
def studio(tmp_path: Path, small_model: Path) -> Studio:
    return make_studio(tmp_path, small_model)

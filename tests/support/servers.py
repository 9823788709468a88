"""Real servers on free loopback ports, started once, with homes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from studio import START_SECONDS, Server, end, free_port


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Server]]:
    """Prefect and MLflow, started side by side."""
    pytest.importorskip("prefect", reason='Prefect comes with pip install "reelops[orchestration]"')
    pytest.importorskip("mlflow", reason='MLflow comes with pip install "reelops[tracking]"')
    home = tmp_path_factory.mktemp("servers")
    ports = {"prefect": free_port(), "mlflow": free_port()}
    health = {"prefect": "/api/health", "mlflow": "/health"}
    commands = {
        "prefect": ["prefect", "server", "start", "--host", "127.0.0.1", "--port", str(ports["prefect"])],
        "mlflow": [
            *["mlflow", "server", "--host", "127.0.0.1", "--port", str(ports["mlflow"]), "--workers", "1"],
            *["--backend-store-uri", f"sqlite:///{home / 'mlflow.db'}"],
            *["--artifacts-destination", str(home / "artifacts")],
        ],
    }
    environment = {
        **os.environ,
        "HOME": str(home),
        "PREFECT_HOME": str(home / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_UI_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    processes = {name: start_server(command, environment, home / f"{name}.log") for name, command in commands.items()}
    try:
        for name, process in processes.items():
            wait_until_healthy(f"http://127.0.0.1:{ports[name]}{health[name]}", process, home / f"{name}.log")
        yield {name: Server(f"http://127.0.0.1:{port}") for name, port in ports.items()}
    finally:
        for process in processes.values():
            end(process)


def start_server(command: list[str], environment: Mapping[str, str], log: Path) -> subprocess.Popen[str]:
    with log.open("w") as out:
        return subprocess.Popen(
            [sys.executable, "-m", *command],
            stdout=out,
            stderr=subprocess.STDOUT,
            text=True,
            env=dict(environment),
            start_new_session=True,
        )


def wait_until_healthy(url: str, process: subprocess.Popen[str], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - our own server
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    pytest.fail(f"{url} did not come up in {START_SECONDS} s:\n{log.read_text()[-3000:]}")

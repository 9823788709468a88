"""A real MLflow server behind a proxy that loses requests and answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from faulty_proxy import FaultyProxy, proxy_before
from studio import Server

from reelops.tracking import live_run as live_run_module

if TYPE_CHECKING:
    from mlflow import MlflowClient


@pytest.fixture
def proxy(servers: dict[str, Server], monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyProxy]:
    """Asked once a call: that MLflow's client asks again by itself is not what is tested here."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setattr(live_run_module, "SEND_EVERY_SECONDS", 0.0)
    monkeypatch.setattr(live_run_module, "_RESTS_PER_TRY", 0.0)
    with proxy_before(servers["mlflow"].url) as proxy:
        yield proxy


@pytest.fixture
def client(servers: dict[str, Server], proxy: FaultyProxy) -> MlflowClient:
    """One that asks the server itself."""
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=servers["mlflow"].url)


@pytest.fixture
def experiment() -> str:
    return f"faults-{uuid4().hex}"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "report.txt"
    path.write_text("whole")
    return path

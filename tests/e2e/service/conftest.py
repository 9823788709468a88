"""One service for the tests of a process, with a worker and a profile that makes clips in a fraction of a second."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

pytest.importorskip("uvicorn", reason='the service comes with pip install "reelops[service]"')

from service_client import Service, serving, submit


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(tmp_path_factory.mktemp("service")) as service:
        yield service


@pytest.fixture(scope="session")
def client(service: Service) -> Iterator[httpx.Client]:
    with service.client() as client:
        yield client


@pytest.fixture(scope="session")
def done(client: httpx.Client) -> dict:
    """A job that has ended with its clip."""
    answer = submit(client, wait=120)
    assert answer.status_code == 200, answer.text
    return answer.json()

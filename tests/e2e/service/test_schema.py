"""What the API's description promises is kept, by requests that are made from it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from service_client import Service, serving

FOLLOWED = ("/events", "/jobs/{uid}/events")
"""They answer for as long as one listens."""


def test_requests_made_from_the_description_are_answered_as_it_says(tmp_path: Path) -> None:
    with serving(tmp_path, "--workers", "0") as service:
        command = [
            *("run", f"{service.url}/openapi.json", "-H", f"Authorization: Bearer {service.token}"),
            *(part for path in FOLLOWED for part in ("--exclude-path", path)),
            *("--phases", "fuzzing", "--max-examples", "4", "--seed", "1"),
            *("--exclude-checks", "positive_data_acceptance"),  # a picture of random bytes is none
        ]
        done = subprocess.run(
            [sys.executable, "-m", "schemathesis.cli", *command],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout[-4000:]
        assert "Traceback" not in "".join(path.read_text() for path in tmp_path.glob("serve-*.log"))


@pytest.mark.parametrize(
    ("path", "allowed"),
    [("/jobs/x", "DELETE, GET"), ("/v1/videos", "GET, POST"), ("/artifacts/x.mp4", "GET, HEAD"), ("/health", "GET")],
)
def test_a_method_that_is_not_understood_is_told_those_that_are(service: Service, path: str, allowed: str) -> None:
    answer = httpx.request("PATCH", service.url + path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


def test_every_route_says_what_it_is_for_and_every_field_of_a_form_what_it_means(service: Service) -> None:
    described = httpx.get(f"{service.url}/openapi.json").json()
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            assert operation.get("summary") and operation.get("description"), (method, path)
    form = described["components"]["schemas"]["GenerateForm"]
    assert not [name for name, field in form["properties"].items() if not field.get("description")]

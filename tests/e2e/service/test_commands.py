"""The service from the terminal: jobs looked at and changed, a worker that hands back, a service that is stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from service_client import Service, serving, stop, submit
from studio import START_SECONDS, end


def told(service: Service, *arguments: str) -> Any:
    done = service.run(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_jobs_are_changed_from_the_terminal_as_by_the_api(tmp_path: Path) -> None:
    with serving(tmp_path, "--workers", "0") as service, service.client() as client:
        first, second, third = (submit(client, seed=seed).json()["id"] for seed in range(3))
        assert [job["id"] for job in told(service, "jobs", "list")] == [third, second, first]
        assert "is paused" in service.run("jobs", "pause", first).stdout
        service.run("jobs", "move", third, "--before", second)
        assert [job["id"] for job in client.get("/queue").json()] == [first, third, second]
        service.run("jobs", "cancel", second)
        assert [job["id"] for job in told(service, "jobs", "list", "--state", "cancelled")] == [second]
        service.run("jobs", "resume", first)
        service.run("jobs", "retry", second)
        shown = told(service, "jobs", "show", second)
        assert [event["state"] for event in shown["history"]] == ["waiting", "cancelled", "waiting"]
        assert {client.get(f"/jobs/{uid}").json()["state"] for uid in (first, second, third)} == {"waiting"}
        unknown = service.run("jobs", "show", "nothing")
        assert unknown.returncode == 2 and "There is no job 'nothing'" in unknown.stderr
        assert service.run("jobs", "list", "--state", "lost").returncode == 2


def test_a_worker_that_is_told_to_stop_hands_its_job_back_uncounted(tmp_path: Path) -> None:
    with serving(tmp_path, "--workers", "0") as service, service.client() as client:
        uid = submit(client, profile="long").json()["id"]
        worker = subprocess.Popen(
            [sys.executable, "-m", "reelops.cli", "worker", "-j", "1", "--no-track"],
            env=dict(service.environment),
            start_new_session=True,
            text=True,
        )
        try:
            deadline = time.monotonic() + START_SECONDS
            while client.get(f"/jobs/{uid}").json()["progress"] is None:
                assert time.monotonic() < deadline
                time.sleep(0.1)
            os.kill(worker.pid, signal.SIGTERM)
            assert worker.wait(START_SECONDS) == 0
        finally:
            end(worker)
        job = client.get(f"/jobs/{uid}").json()
        assert (job["state"], job["attempt"], job["reason"]) == ("waiting", 0, "stopped")
        clips = service.home / "service" / "clips"
        assert not [path for path in clips.iterdir() if path.name.endswith(".partial")]


def test_a_stopped_service_ends_well_and_finds_its_jobs_again(tmp_path: Path) -> None:
    with serving(tmp_path, "--workers", "0") as service:
        with service.client() as client:
            uid = submit(client).json()["id"]
        assert stop(service) == 0
    with serving(tmp_path) as again, again.client() as client:
        assert again.token == service.token
        assert client.get(f"/jobs/{uid}").status_code == 200
        taken = again.run("serve", "--port", again.url.rpartition(":")[2], "--workers", "0")
        assert taken.returncode == 1 and "cannot be listened to" in taken.stderr


def test_a_key_without_scopes_or_with_unknown_ones_is_not_made(tmp_path: Path) -> None:
    with serving(tmp_path, "--workers", "0") as service:
        for scopes in ("", "everything"):
            refused = service.run("keys", "create", "somebody", "--scopes", scopes)
            assert refused.returncode == 2 and "there are read, generate, score, admin" in refused.stderr
        assert service.run("keys", "create", "local").returncode == 2
        assert told(service, "keys", "list") == []

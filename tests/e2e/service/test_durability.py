"""Whatever is killed, and when: each job ends once, with one clip, and nothing else is left."""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest
from service_client import Service, environment_of, start, stop, submit
from studio import end, free_port

JOBS, KILLS = 24, 6


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_killed_at_random_every_job_ends_once_with_one_clip(
    database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    uri = request.getfixturevalue("postgres") if database == "postgresql" else None
    environment, port, chance = environment_of(tmp_path, uri), free_port(), random.Random(database)  # noqa: S311
    service = start(tmp_path, environment, "--workers", "2", port=port)
    uids: list[str] = []
    try:
        for number in range(KILLS):
            with service.client() as client:
                for seed in range(JOBS // KILLS):
                    headers = {"Idempotency-Key": f"{number}-{seed}"}
                    uids.append(submit(client, seed=number * 100 + seed, headers=headers).json()["id"])
            time.sleep(chance.uniform(0.0, 1.5))
            service = kill_something(service, tmp_path, environment, port, chance)
        jobs = again_if_given_up(service, ends_of(service, uids))
        clips = tmp_path / "home" / "service" / "clips"
        assert [job["state"] for job in jobs] == ["done"] * JOBS
        assert sorted(path.name for path in clips.glob("*.mp4")) == sorted(f"{uid}.mp4" for uid in uids)
        with service.client() as client:
            for uid in uids:
                states = [event["state"] for event in client.get(f"/jobs/{uid}/history").json()]
                assert states.count("done") == 1 and states[-1] == "done", states
            assert len(client.get("/jobs?limit=200").json()["jobs"]) == JOBS
        assert stop(service) == 0
        assert not [path for path in clips.iterdir() if path.suffix not in (".mp4", ".json", ".jpg")]
    finally:
        end(service.process)
        kill_workers(service)


def again_if_given_up(service: Service, jobs: list[dict]) -> list[dict]:
    """Jobs whose worker chance killed three times, on a busy machine, are given up; they are made when asked again."""
    with service.client() as client:
        for job in jobs:
            if job["state"] == "failed":
                assert "is given up" in job["reason"], job
                assert client.post(f"/jobs/{job['id']}/retry").status_code == 200
    return ends_of(service, [job["id"] for job in jobs])


def kill_something(
    service: Service, folder: Path, environment: dict[str, str], port: int, chance: random.Random
) -> Service:
    """A worker, or the API and whatever it started; what answers afterwards."""
    workers = workers_of(service)
    if workers and chance.random() < 0.5:
        os.kill(chance.choice(workers), signal.SIGKILL)
        return service
    end(service.process)
    return start(folder, environment, "--workers", "2", port=port)


def workers_of(service: Service) -> list[int]:
    found = psutil.process_iter(["cmdline", "environ"])
    home = service.environment["REELOPS_HOME"]
    return [
        process.pid
        for process in found
        if "worker" in (process.info["cmdline"] or []) and (process.info["environ"] or {}).get("REELOPS_HOME") == home
    ]


def kill_workers(service: Service) -> None:
    for worker in workers_of(service):
        with suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)


def ends_of(service: Service, uids: list[str], seconds: float = 240) -> list[dict]:
    deadline = time.monotonic() + seconds
    with service.client() as client:
        while True:
            with suppress(httpx.TransportError):
                jobs = [client.get(f"/jobs/{uid}").json() for uid in uids]
                if all(job["ended_at"] for job in jobs):
                    return jobs
            assert time.monotonic() < deadline, [job["state"] for job in jobs]
            time.sleep(0.3)

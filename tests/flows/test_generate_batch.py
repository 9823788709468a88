"""The flow that makes the clips of a file: here, and by two workers of a pool of which one is killed."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from studio import START_SECONDS, Server, Studio, end

from reelops.addresses import sqlite_uri
from reelops.production.batch.lanes import name_of_batch
from reelops.production.ledger import Ledger, State
from reelops.video.probe import probe


def write_jobs(studio: Studio, number: int) -> Path:
    format_of_clip = {"profile": "camera-moves", "num_frames": 5, "width": 96, "height": 64}
    rows = [{"picture": str(studio.picture), "prompt": "pan left", "seed": n, **format_of_clip} for n in range(number)]
    (studio.folder / "jobs.json").write_text(json.dumps(rows))
    return studio.folder / "jobs.json"


def order(studio: Studio, jobs: Path, *more: str) -> list[str]:
    return ["generate-batch", str(jobs), str(studio.outputs), "--no-track", "--retries", "0", *more]


def wait_until(happens: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not happens():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)


def test_a_batch_is_a_flow_run_that_says_what_became_of_it(bare_studio: Studio, servers: dict[str, Server]) -> None:
    jobs, prefect = write_jobs(bare_studio, 2), servers["prefect"]
    done = bare_studio.run("flows", *order(bare_studio, jobs), PREFECT_API_URL=f"{prefect.url}/api")
    summary = json.loads((bare_studio.outputs / "batch-summary.json").read_text())
    assert summary["done"] + summary["rejected"] == 2, done.stderr
    assert done.returncode == (3 if summary["rejected"] else 0), done.stderr
    (run, *_) = prefect.flow_runs("generate-batch")
    assert run["state"]["type"] == "COMPLETED" and "2 " in run["state"]["message"]
    assert {name.rpartition("-")[0] for name in prefect.task_runs(run["id"])} == {"make_clips", "sum_up", "show_batch"}


def test_of_two_workers_with_homes_of_their_own_one_is_killed_and_the_other_makes_what_it_had(
    bare_studio: Studio, servers: dict[str, Server]
) -> None:
    studio, number = bare_studio, 24
    jobs = write_jobs(studio, number)
    shared = {
        "PREFECT_API_URL": f"{servers['prefect'].url}/api",
        "REELOPS_LEDGER_URI": sqlite_uri(studio.folder / "ledger.db"),
    }
    for command in (["work-pool", "create", "batches", "--type", "process"], ["--no-prompt", "deploy", *DEPLOYMENT]):
        done = studio.run("prefect", *command, PREFECT_HOME=str(studio.folder / "prefect"), **shared)
        assert done.returncode == 0, done.stdout + done.stderr
    own = [
        {**shared, "REELOPS_HOME": str(studio.folder / name), "PREFECT_HOME": str(studio.folder / name / "prefect")}
        for name in ("first", "second")
    ]
    workers = [studio.start("prefect", "worker", "start", "--pool", "batches", "--limit", "1", **one) for one in own]
    more = ("--deployment", "work-on-batch/work-on-batch", "--workers", "2", "--at-once", "1")
    flow = studio.start("flows", *order(studio, jobs, *more), **shared)
    try:
        wait_until((studio.folder / "ledger.db").exists)
        ledger, batch = Ledger(shared["REELOPS_LEDGER_URI"]), name_of_batch(studio.outputs)
        wait_until(lambda: len(owners(ledger, batch)) == 2 or flow.poll() is not None)
        assert flow.poll() is None, flow.communicate()
        maker = int(min(owners(ledger, batch)).split(":")[1])
        above = {parent.pid for parent in psutil.Process(maker).parents()}
        os.kill(maker, signal.SIGKILL)
        end(next(worker for worker in workers if worker.pid in above))
        _, err = flow.communicate(timeout=START_SECONDS)
    finally:
        for process in (flow, *workers):
            end(process)
    counts = ledger.counts(batch)
    assert counts[State.DONE] + counts[State.REJECTED] == number, err
    assert flow.returncode in (0, 3), err
    clips = list(studio.outputs.glob("*.mp4"))
    assert len(clips) == number and all(probe(clip).num_frames == 5 for clip in clips)
    told = [event.reason or "" for job in ledger.jobs(batch) for event in ledger.history(job)]
    assert sum("ended with it" in reason for reason in told) == 1, "one clip was in the making, and was made again"


DEPLOYMENT = ("--name", "work-on-batch", "--pool", "batches")


def owners(ledger: Ledger, batch: str) -> set[str]:
    return {job.owner for job in ledger.jobs(batch) if job.owner and job.state is State.RUNNING}

"""The flow that makes the clips of a file: here, and by two workers of a pool of which one is killed."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import psutil
from studio import START_SECONDS, Server, Studio, end

from reelops.addresses import sqlite_uri
from reelops.production.batch.lanes import name_of_batch
from reelops.production.jobs.job import State
from reelops.production.jobs.ledger import Ledger
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
        time.sleep(0.02)


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
    bare_studio: Studio, servers: dict[str, Server], repository: Path
) -> None:
    studio, number = bare_studio, 12
    jobs, database = write_jobs(studio, number), studio.folder / "ledger.db"
    shared = {
        "PREFECT_API_URL": f"{servers['prefect'].url}/api",
        "REELOPS_LEDGER_URI": sqlite_uri(database),
        "PYTHONPATH": str(repository),  # for runs, whose working folder is another one
    }
    for command in (["work-pool", "create", "batches", "--type", "process"], ["--no-prompt", "deploy", *DEPLOYMENT]):
        done = studio.run("prefect", *command, PREFECT_HOME=str(studio.folder / "prefect"), **shared)
        assert done.returncode == 0, done.stdout + done.stderr
    own = [
        {**shared, "REELOPS_HOME": str(studio.folder / name), "PREFECT_HOME": str(studio.folder / name / "prefect")}
        for name in ("first", "second")
    ]
    logs = [studio.folder / name for name in ("first.log", "second.log")]
    start = ("worker", "start", "--pool", "batches", "--limit", "1")
    workers = [studio.start("prefect", *start, log=log, **one) for log, one in zip(logs, own, strict=True)]
    more = ("--deployment", "work-on-batch/work-on-batch", "--workers", "2", "--at-once", "1")
    flow = studio.start("flows", *order(studio, jobs, *more), **shared)
    try:
        wait_until(lambda: bool(makers(database)) or flow.poll() is not None)
        assert flow.poll() is None, [flow.communicate(), *(log.read_text() for log in logs)]
        (victim, *_) = makers(database)
        wait_until(lambda: is_frozen_amid_a_clip(database, victim))
        wait_until(lambda: bool(makers(database, "done", "rejected") - {victim}))
        end(worker_of(victim, workers))
        _, err = flow.communicate(timeout=START_SECONDS)
    finally:
        for process in (flow, *workers):
            end(process)
    ledger, batch = Ledger(shared["REELOPS_LEDGER_URI"]), name_of_batch(studio.outputs)
    counts = ledger.counts(batch)
    assert counts[State.DONE] + counts[State.REJECTED] == number, err
    assert flow.returncode in (0, 3), err
    clips = list(studio.outputs.glob("*.mp4"))
    assert len(clips) == number and all(probe(clip).num_frames == 5 for clip in clips)
    told = [event.reason or "" for job in ledger.jobs(batch) for event in ledger.history(job)]
    assert sum("ended with it" in reason for reason in told) == 1, "one clip was in the making, and was made again"


DEPLOYMENT = ("--name", "work-on-batch", "--pool", "batches")


def makers(database: Path, *states: str) -> set[str]:
    """The processes that have entered such states; by default those that have begun a job."""
    wanted = ", ".join(f"'{state}'" for state in states or ("running",))
    # The ledger itself would wait for a writer that is frozen.
    with suppress(sqlite3.OperationalError), closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as tables:
        return {owner for (owner,) in tables.execute(f"SELECT owner FROM job_events WHERE state IN ({wanted})")}  # noqa: S608
    return set()


def is_frozen_amid_a_clip(database: Path, owner: str) -> bool:
    """Whether the process stands still and has a job, and does not keep others from the ledger; else it goes on."""
    process = psutil.Process(int(owner.split(":")[1]))
    process.suspend()
    wait_until(lambda: process.status() == psutil.STATUS_STOPPED)
    with suppress(sqlite3.OperationalError), closing(sqlite3.connect(database, timeout=0)) as tables:
        tables.execute("BEGIN IMMEDIATE")
        (has,) = tables.execute("SELECT count(*) FROM jobs WHERE owner = ? AND state = 'running'", [owner]).fetchone()
        tables.rollback()
        if has:
            return True
    process.resume()
    return False


def worker_of(owner: str, workers: list[subprocess.Popen[str]]) -> subprocess.Popen[str]:
    """The worker that started the process, which is killed."""
    process = psutil.Process(int(owner.split(":")[1]))
    above = {parent.pid for parent in process.parents()}
    process.kill()
    return next(worker for worker in workers if worker.pid in above)

"""Clips an hour, what is not work on clips, and a batch that is killed."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from reelops.benchmark.case import Bench
from reelops.benchmark.cases.batch.flow_run import POLL_SECONDS, Batch
from reelops.benchmark.report import Figures
from reelops.progress import RunContext

CLIPS, CLIPS_ALONE, CLIPS_KILLED = 60, 10, 12


def measure_pace(bench: Bench, context: RunContext, clips: int = CLIPS, **fields: Any) -> Figures:
    """A batch as a flow run, with scores, gate, ledger, Prefect and MLflow, in as many lanes as it takes by itself.

    Args:
        fields: of every order, beside picture, prompt and seed.
    """
    batch = Batch.laid_out(bench, "pace", clips, fields)
    began = time.perf_counter()
    batch.run_to_its_end(context)
    return batch.figures(time.perf_counter() - began)


def measure_plain(bench: Bench, context: RunContext, clips: int = CLIPS) -> Figures:
    """The same with clips as they are generated: `--detail off`."""
    batch = Batch.laid_out(bench, "plain", clips, {"detail": "off"})
    began = time.perf_counter()
    batch.run_to_its_end(context)
    return batch.figures(time.perf_counter() - began)


def measure_alone(bench: Bench, context: RunContext, clips: int = CLIPS_ALONE, **fields: Any) -> Figures:
    """The same with one clip at a time, so that seconds of stages do not overlap and what is left is orchestration."""
    batch = Batch.laid_out(bench, "alone", clips, fields)
    began, began_at = time.perf_counter(), time.time()
    batch.run_to_its_end(context, "--at-once", "1")
    found = batch.figures(time.perf_counter() - began)
    return with_orchestration(found, batch.first_begun() - began_at)


def with_orchestration(found: Figures, begun_after: float) -> Figures:
    """The figures of clips made one at a time, and what of a batch of 60 is not work on clips, by them.

    Args:
        begun_after: seconds from the start to the first clip.
    """
    start = begun_after + found["stages"].get("load", 0.0) * found["clips"]
    work = found["seconds_of_work_a_clip"]
    rest = (found["seconds"] - start) / found["clips"] - work
    return {
        **found,
        "seconds_to_start": round(start, 2),
        "seconds_of_orchestration_a_clip": round(rest, 3),
        "orchestration": round((start + CLIPS * rest) / (start + CLIPS * (rest + work)), 4),
    }


def measure_killed(
    bench: Bench, context: RunContext, clips: int = CLIPS_KILLED, server: str | None = None, **fields: Any
) -> Figures:
    """A batch that is killed by SIGKILL once half of its clips are there, and run again.

    Args:
        server: address of a Prefect server; None gives each run one of its own.
    """
    batch = Batch.laid_out(bench, "killed", clips, fields, {"PREFECT_API_URL": server} if server else {})
    began = time.perf_counter()
    process = batch.start()
    while len(batch.made()) < clips // 2 and process.poll() is None:
        context.progress("killed", len(batch.made()), clips, "clips")
        time.sleep(POLL_SECONDS)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    before = batch.made()
    batch.run_to_its_end(context)
    after = batch.made()
    remade = sum(after.get(name) != when for name, when in before.items())
    return {**batch.figures(time.perf_counter() - began), "at_the_kill": len(before), "made_twice": remade}

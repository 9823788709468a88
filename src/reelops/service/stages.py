"""How far a job is: as a share of the whole, about, and in words."""

from __future__ import annotations

from reelops.production.jobs.job import Job, State

# Where each stage begins and ends, in hundredths of the whole; what a clip takes longest with is its frames.
_STAGES = {
    "load": (0, 5),
    "encode": (5, 10),
    "denoise": (10, 60),
    "draw": (10, 60),
    "decode": (60, 70),
    "detail": (70, 80),
    "write": (80, 85),
    "score": (85, 98),
    "log": (98, 99),
}


def share_done(job: Job) -> float:
    """How much of a job is done, from 0 to 1; 1 once it has its clip, 0 where it ended without one."""
    if job.has_ended:
        return 1.0 if job.state in (State.DONE, State.REJECTED) else 0.0
    if job.progress is None:
        return 0.0
    begin, end = _STAGES.get(str(job.progress["stage"]), (0, 0))
    share = float(job.progress["done"]) / max(1.0, float(job.progress["total"]))
    return (begin + (end - begin) * min(1.0, share)) / 100


def told_stage(job: Job) -> str:
    """What is done at the moment: `denoise: 3 of 8 steps`, or the job's state."""
    progress = job.progress
    if job.has_ended or progress is None:
        return job.shown_state
    if not progress["unit"]:
        return str(progress["stage"])
    return f"{progress['stage']}: {progress['done']:g} of {progress['total']:g} {progress['unit']}"

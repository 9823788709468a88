"""What the tools answer: a job as the API has it, with what to do next and where its files are."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field

from reelops.metrics.catalogue import METRICS
from reelops.production.jobs.job import UNKNOWN, Job, State
from reelops.service.answers import JobAnswer, job_answer
from reelops.service.desk import JobDesk

CLIPS, CONTACT_SHEETS = "reelops://clips/", "reelops://contact-sheets/"
Better = Literal["first", "second", "same", "not comparable"]


class ClipFile(BaseModel):
    """A file that a job has made."""

    kind: Literal["clip", "contact_sheet"]
    resource: str = Field(description="Its address for resources/read.")
    media_type: str
    bytes: int
    path: str | None = Field(description="Where it is on this machine, for who is on it, too.")
    url: str | None = Field(description="Where it is fetched over HTTP, with the same key.")


class AgentJob(JobAnswer):
    """A job, as the API has it, and what to do next."""

    files: list[ClipFile] = Field(description="What it has made so far.")
    next: str = Field(description="What to do next.")


class AgentJobs(BaseModel):
    """Jobs, the newest first."""

    jobs: list[AgentJob]


class MetricPair(BaseModel):
    """One metric of two clips."""

    title: str
    first: float | None
    second: float | None
    better: Better


class ClipsCompared(BaseModel):
    """Two clips beside each other."""

    first: str
    second: str
    verdicts: tuple[str | None, str | None]
    asked_differently: list[str] = Field(description="Fields of their orders that differ; with none, only chance did.")
    metrics: dict[str, MetricPair]
    first_is_better_in: int
    second_is_better_in: int
    summary: str


def agent_job(desk: JobDesk, job: Job, base_url: str | None, worker_here: bool) -> AgentJob:
    """A job for an agent.

    Args:
        base_url: of the API, for who came over HTTP; None: they are on this machine, and get paths.
        worker_here: whether a worker runs on this machine.
    """
    return AgentJob(**job_answer(job), files=_files_of(desk, job, base_url), next=_next(job, worker_here))


def _files_of(desk: JobDesk, job: Job, base_url: str | None) -> list[ClipFile]:
    """The clip of a job and its contact sheet, those that are there."""
    clip, sheet = desk.clip_of(job), desk.contact_sheet_of(job)
    made: list[ClipFile] = []
    if clip is not None:
        made.append(_file("clip", f"{CLIPS}{job.uid}", "video/mp4", clip, base_url))
    if sheet is not None:
        made.append(_file("contact_sheet", f"{CONTACT_SHEETS}{job.uid}", "image/jpeg", sheet, base_url))
    return made


def compared(first: Job, second: Job) -> ClipsCompared:
    """Two jobs' clips, metric by metric; a metric counts for the one that is better in it by its own direction."""
    of_first, of_second = job_answer(first), job_answer(second)
    names = [name for name in METRICS if name in of_first["scores"] or name in of_second["scores"]]
    metrics = {name: _pair(name, of_first["scores"].get(name), of_second["scores"].get(name)) for name in names}
    wins = [sum(pair.better == side for pair in metrics.values()) for side in ("first", "second")]
    asked = _compared_by(of_first["order"]), _compared_by(of_second["order"])
    return ClipsCompared(
        first=first.uid,
        second=second.uid,
        verdicts=(of_first["verdict"], of_second["verdict"]),
        asked_differently=[name for name in {**asked[0], **asked[1]} if asked[0].get(name) != asked[1].get(name)],
        metrics=metrics,
        first_is_better_in=wins[0],
        second_is_better_in=wins[1],
        summary=f"The first clip ({of_first['verdict']}) is better in {wins[0]} of {len(metrics)} metrics, the second "
        f"({of_second['verdict']}) in {wins[1]}. Each weighs the same here; the verdicts are what counts.",
    )


def _compared_by(order: dict[str, Any]) -> dict[str, Any]:
    """An order with its picture's digest alone: what it is called changes nothing."""
    return {**order, "picture": order["picture"]["sha256"]} if "picture" in order else order


def _pair(name: str, first: Any, second: Any) -> MetricPair:
    metric = METRICS[name]
    if first is None or second is None or metric.direction == "in between is better":
        better: Better = "not comparable"
    elif first == second:
        better = "same"
    else:
        better = "first" if (first > second) == (metric.direction == "higher is better") else "second"
    return MetricPair(title=metric.title, first=first, second=second, better=better)


def _file(
    kind: Literal["clip", "contact_sheet"], resource: str, media_type: str, path: Path, base_url: str | None
) -> ClipFile:
    return ClipFile(
        kind=kind,
        resource=resource,
        media_type=media_type,
        bytes=path.stat().st_size,
        path=str(path) if base_url is None else None,
        url=None if base_url is None else f"{base_url}/artifacts/{path.name}",
    )


def _next(job: Job, worker_here: bool) -> str:
    state = job.shown_state
    if job.state is State.WAITING and not worker_here:
        return (
            "No worker runs on this machine, so it waits. Ask the user to start one: reelops worker, or this server "
            "with --worker. A worker elsewhere on the same ledger takes it, too."
        )
    if state in (State.WAITING, State.RUNNING):
        return "Call wait_for_job, and again until it has ended. The job goes on without you."
    if state == UNKNOWN:
        return "Nothing is heard of the process that had it. It is begun again by itself; call wait_for_job later."
    if state == State.PAUSED:
        return "Somebody has paused it; it waits until they resume it: reelops jobs resume."
    if job.state is State.DONE:
        return "It is done: call get_result for its files."
    if job.state is State.REJECTED:
        return "The gate rejected its clip, which is there (get_result). Submit it again with another seed or prompt."
    return "It has ended without a result; its reason says why. Submit another one, mended, if it is still wanted."

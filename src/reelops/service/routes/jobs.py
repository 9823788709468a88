"""/jobs: listed, looked at, cancelled, paused, moved, asked for again."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from reelops.production.jobs.job import State
from reelops.production.jobs.queue import HIGHEST_PRIORITY
from reelops.service.access import Asking
from reelops.service.answers import EventAnswer, JobAnswer, event_answer, job_answer
from reelops.service.routes.desks import AtDesk
from reelops.service.routes.problem_answers import PROBLEMS

router = APIRouter(tags=["jobs"], responses=PROBLEMS)
Kind = Literal["generate", "score"]
Uid = Annotated[str, Path(max_length=64, description="The id of a job.")]


class JobsAnswer(BaseModel):
    """A page of jobs."""

    jobs: list[JobAnswer]
    next: str | None = Field(description="The address of the next page; none on the last one.")


class Change(BaseModel):
    """Another place in the queue."""

    model_config = ConfigDict(extra="forbid")

    before: str | None = Field(
        default=None, max_length=64, description="Put before this job of the same account; null: to the end."
    )
    priority: int | None = Field(default=None, ge=-HIGHEST_PRIORITY, le=HIGHEST_PRIORITY)


@router.get("/jobs", summary="List jobs", response_model=JobsAnswer)
def list_jobs(
    caller: Asking,
    desk: AtDesk,
    state: Annotated[list[State], Query(description="Those in one of these states alone.")] = [],  # noqa: B006
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[str | None, Query(max_length=64, description="The id that ended the page before.")] = None,
    kind: Annotated[Kind | None, Query(description="Those alone that make a clip, or that score one.")] = None,
) -> dict[str, Any]:
    """Jobs of the key's account, the newest first."""
    found = desk.jobs(caller, state, limit + 1, before, kind=kind)
    page = found[:limit]
    further = None
    if len(found) > limit:
        wanted = "".join(f"&state={one}" for one in state) + ("" if kind is None else f"&kind={kind}")
        further = f"/jobs?limit={limit}&before={page[-1].uid}{wanted}"
    return {"jobs": [job_answer(job) for job in page], "next": further}


@router.get("/queue", summary="List jobs that wait", response_model=list[JobAnswer])
def list_queue(caller: Asking, desk: AtDesk) -> list[dict[str, Any]]:
    """Jobs of the key's account that wait or are paused, in the order in which they are begun."""
    return [job_answer(job) for job in desk.line(caller)]


@router.get("/jobs/{uid}", summary="Look at a job", response_model=JobAnswer)
def get_job(uid: Uid, caller: Asking, desk: AtDesk, response: Response) -> dict[str, Any]:
    """A job: how far it is, and once it has ended, its clip, scores and verdict."""
    response.headers["Cache-Control"] = "no-store"
    return job_answer(desk.job(caller, uid))


@router.get("/jobs/{uid}/history", summary="What happened to a job", response_model=list[EventAnswer])
def get_history(uid: Uid, caller: Asking, desk: AtDesk) -> list[dict[str, Any]]:
    """Every change of its state, in order."""
    return [event_answer(event) for event in desk.events(caller, uid)]


@router.delete("/jobs/{uid}", summary="Cancel a job", response_model=JobAnswer)
def cancel_job(uid: Uid, caller: Asking, desk: AtDesk) -> dict[str, Any]:
    """Ends a job: at once where it waits, within a step of its work where it runs; one that has ended stays so."""
    return job_answer(desk.cancel(caller, uid))


@router.delete("/jobs/{uid}/clip", summary="Remove a job and its clip", status_code=HTTPStatus.NO_CONTENT)
def delete_job(uid: Uid, caller: Asking, desk: AtDesk) -> None:
    """Removes a job that has ended, with its clip and all that belongs to it."""
    desk.delete(caller, uid)


@router.post("/jobs/{uid}/pause", summary="Pause a job", response_model=JobAnswer)
def pause_job(uid: Uid, caller: Asking, desk: AtDesk) -> dict[str, Any]:
    """Keeps a job that waits from being begun."""
    return job_answer(desk.pause(caller, uid))


@router.post("/jobs/{uid}/resume", summary="Resume a job", response_model=JobAnswer)
def resume_job(uid: Uid, caller: Asking, desk: AtDesk) -> dict[str, Any]:
    """Lets a paused job wait again, at its old place."""
    return job_answer(desk.resume(caller, uid))


@router.post("/jobs/{uid}/retry", summary="Try a job again", response_model=JobAnswer)
def retry_job(uid: Uid, caller: Asking, desk: AtDesk) -> dict[str, Any]:
    """Lets a job that failed, was rejected or cancelled wait again; a rejected one gets a seed of its own."""
    return job_answer(desk.retry(caller, uid))


@router.post("/jobs/{uid}/move", summary="Move a job in the queue", response_model=JobAnswer)
def move_job(uid: Uid, change: Change, caller: Asking, desk: AtDesk) -> dict[str, Any]:
    """Gives a job that waits another place among its account's, or another priority."""
    if change.priority is not None:
        job = desk.set_priority(caller, uid, change.priority)
    if change.priority is None or change.before is not None:
        job = desk.move(caller, uid, change.before)
    return job_answer(job)

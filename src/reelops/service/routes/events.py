"""GET /jobs/{id}/events and /events: what happens to one job or to all, as it happens.

A listener of one job that was cut off goes on where it was; one of all asks for the jobs anew, and misses nothing.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool

from reelops.production.jobs.job import ENDS, Job, JobEvent
from reelops.service.access import Asking
from reelops.service.answers import event_answer, job_answer
from reelops.service.callers import Caller, Scope
from reelops.service.desk import JobDesk
from reelops.service.news import JobNews
from reelops.service.routes.desks import AtDesk, Listening
from reelops.service.routes.jobs import Uid
from reelops.service.routes.problem_answers import PROBLEMS

router = APIRouter(tags=["jobs"])
_PING_SECONDS = 15
_RETRY_MILLISECONDS = 2000
_MOST_KNOWN = 10_000


@router.get(
    "/jobs/{uid}/events",
    summary="Follow a job",
    response_class=EventSourceResponse,
    responses={200: {"content": {"text/event-stream": {}}}, **PROBLEMS},
)
async def follow_job(
    uid: Uid,
    caller: Asking,
    desk: AtDesk,
    news: Listening,
    last_event_id: Annotated[str, Header(max_length=20, description="The id of the last `state` that came.")] = "0",
) -> EventSourceResponse:
    """Server-sent events. `state` is a line of the job's history, with an id by which the stream goes on after a break;
    `progress` says how far it is; `end` has the whole job, and nothing comes after it."""
    job = await run_in_threadpool(desk.job, caller, uid)
    after = int(last_event_id) if last_event_id.isascii() and last_event_id.isdigit() else 0
    return EventSourceResponse(_stream(desk, news, caller, job, after), ping=_PING_SECONDS)


@router.get(
    "/events",
    summary="Follow all jobs",
    response_class=EventSourceResponse,
    responses={200: {"content": {"text/event-stream": {}}}, **PROBLEMS},
)
async def follow_jobs(caller: Asking, desk: AtDesk, news: Listening) -> EventSourceResponse:
    """Server-sent events of the jobs of the key's account. `ready` comes first: what happens from there on is told, so
    ask for the jobs then. `job` has a job whose state has changed; `progress` an id, and how far that job is; `alive`
    comes every 15 s, so that a silence tells of a broken connection."""
    caller.require(Scope.READ)
    alive = ServerSentEvent("{}", event="alive")
    return EventSourceResponse(
        _stream_of_all(desk, news, caller), ping=_PING_SECONDS, ping_message_factory=lambda: alive
    )


async def _stream_of_all(desk: JobDesk, news: JobNews, caller: Caller) -> AsyncIterator[ServerSentEvent]:
    uids: dict[int, str | None] = {}  # by number; None: a job of somebody else
    async with news.of_all() as mine:
        yield ServerSentEvent("{}", event="ready", retry=_RETRY_MILLISECONDS)
        while True:
            heard = [await mine.get()]
            while not mine.empty():
                heard.append(mine.get_nowait())
            changed = {job for job, one in heard if one.event is not None}
            moving = {job: one.progress for job, one in heard if one.progress is not None}
            if asked := changed | (moving.keys() - uids.keys()):
                found = await run_in_threadpool(desk.queue.numbered, asked, caller.sees)
                uids = uids if len(uids) < _MOST_KNOWN else {}
                uids |= {**dict.fromkeys(asked), **{job.id: job.uid for job in found}}
                for job in found:
                    if job.id in changed:
                        yield ServerSentEvent(json.dumps(job_answer(job)), event="job")
            for number, far in moving.items():
                if (uid := uids.get(number)) is not None and number not in changed:
                    told = {"id": uid, "progress": dict(far or {})}
                    yield ServerSentEvent(json.dumps(told), event="progress")


async def _stream(desk: JobDesk, news: JobNews, caller: Caller, job: Job, after: int) -> AsyncIterator[ServerSentEvent]:
    async with news.of(job) as mine:
        past = await run_in_threadpool(desk.events, caller, job.uid, after)
        for event in past:
            after = event.id
            yield _told(event)
        job = await run_in_threadpool(desk.job, caller, job.uid)
        if job.progress is not None:
            yield ServerSentEvent(json.dumps(dict(job.progress)), event="progress")
        while not job.has_ended:
            heard = await mine.get()
            if heard.progress is not None:
                yield ServerSentEvent(json.dumps(dict(heard.progress)), event="progress")
            if heard.event is not None and heard.event.id > after:
                after = heard.event.id
                yield _told(heard.event)
                if heard.event.state in ENDS:
                    job = await run_in_threadpool(desk.job, caller, job.uid)
        yield ServerSentEvent(json.dumps(job_answer(job)), event="end")


def _told(event: JobEvent) -> ServerSentEvent:
    return ServerSentEvent(json.dumps(event_answer(event)), event="state", id=str(event.id), retry=_RETRY_MILLISECONDS)

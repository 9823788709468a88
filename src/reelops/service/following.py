"""Waiting for a job: how far it is, told as it goes, for a while and no longer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
from starlette.concurrency import run_in_threadpool

from reelops.production.jobs.job import Job
from reelops.service.callers import Caller
from reelops.service.desk import JobDesk
from reelops.service.news import JobNews
from reelops.service.stages import share_done, told_stage

Tell = Callable[[float, str], Awaitable[None]]
"""Told how far a job is, from 0 to 1, and in words."""


async def _nobody(_share: float, _words: str) -> None:
    pass


async def follow(desk: JobDesk, news: JobNews, caller: Caller, job: Job, seconds: float, tell: Tell = _nobody) -> Job:
    """A job that the caller was given: once it has ended, or as it is after so many seconds.

    Args:
        tell: called whenever the job is further; never with less than before, as a further try begins anew.
    """
    furthest = -1.0

    async def told(job: Job) -> None:
        nonlocal furthest
        if (share := share_done(job)) > furthest:
            furthest = share
            await tell(share, told_stage(job))

    async with news.of(job) as mine:
        job = await run_in_threadpool(desk.queue.job, job.uid, caller.sees)
        await told(job)
        with anyio.move_on_after(seconds):
            while not job.has_ended:
                await mine.get()
                job = await run_in_threadpool(desk.queue.job, job.uid, caller.sees)
                await told(job)
    return await run_in_threadpool(desk.queue.job, job.uid, caller.sees)

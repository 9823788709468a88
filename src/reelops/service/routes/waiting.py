"""Answers for those who wait for a job's end, by `Prefer: wait=SECONDS` (RFC 7240), and for those who do not."""

from __future__ import annotations

import asyncio
import re
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Header, Response
from starlette.concurrency import run_in_threadpool

from reelops.production.jobs.job import Job
from reelops.service.answers import job_answer
from reelops.service.callers import Caller
from reelops.service.desk import JobDesk
from reelops.service.news import JobNews

MOST_WAIT_SECONDS = 300
_WAIT = re.compile(r"(?:^|[,;\s])wait=([0-9]{1,4})(?:$|[,;\s])")
Prefer = Annotated[str, Header(max_length=200, description="wait=SECONDS waits for the end of the job, 300 at most.")]


async def answer_with(
    job: Job, prefer: str, caller: Caller, desk: JobDesk, news: JobNews, response: Response
) -> dict[str, Any]:
    """The job: at once (202), or once it has ended (200) within the seconds that `prefer` says."""
    if (found := _WAIT.search(prefer)) is not None:
        job = await _ended(job, min(int(found[1]), MOST_WAIT_SECONDS), caller, desk, news)
        response.headers["Preference-Applied"] = f"wait={found[1]}"
    response.headers["Location"] = f"/jobs/{job.uid}"
    response.status_code = HTTPStatus.OK if job.has_ended else HTTPStatus.ACCEPTED
    return job_answer(job)


async def _ended(job: Job, seconds: float, caller: Caller, desk: JobDesk, news: JobNews) -> Job:
    """The job once it has ended, or as it is after so many seconds."""
    async with news.of(job) as mine:
        job = await run_in_threadpool(desk.queue.job, job.uid, caller.account)
        try:
            async with asyncio.timeout(seconds):
                while not job.has_ended:
                    if (await mine.get()).event is not None:
                        job = await run_in_threadpool(desk.queue.job, job.uid, caller.account)
        except TimeoutError:
            pass
    return job

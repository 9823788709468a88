"""Answers for those who wait for a job's end, by `Prefer: wait=SECONDS` (RFC 7240), and for those who do not."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Header, Response

from reelops.production.jobs.job import Job
from reelops.service.answers import job_answer
from reelops.service.callers import Caller
from reelops.service.desk import JobDesk
from reelops.service.following import follow
from reelops.service.news import JobNews

MOST_WAIT_SECONDS = 300
_WAIT = re.compile(r"(?:^|[,;\s])wait=([0-9]{1,4})(?:$|[,;\s])")
Prefer = Annotated[str, Header(max_length=200, description="wait=SECONDS waits for the end of the job, 300 at most.")]


async def answer_with(
    job: Job, prefer: str, caller: Caller, desk: JobDesk, news: JobNews, response: Response
) -> dict[str, Any]:
    """The job: at once (202), or once it has ended (200) within the seconds that `prefer` says."""
    if (found := _WAIT.search(prefer)) is not None:
        job = await follow(desk, news, caller, job, min(int(found[1]), MOST_WAIT_SECONDS))
        response.headers["Preference-Applied"] = f"wait={found[1]}"
    response.headers["Location"] = f"/jobs/{job.uid}"
    response.status_code = HTTPStatus.OK if job.has_ended else HTTPStatus.ACCEPTED
    return job_answer(job)

"""POST /score: a clip that is sent is scored and judged, by a worker."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Response, UploadFile
from starlette.concurrency import run_in_threadpool

from reelops.clip import MAX_PROMPT
from reelops.production.jobs.job import Job
from reelops.service.access import Asking
from reelops.service.answers import JobAnswer
from reelops.service.callers import Scope
from reelops.service.routes.desks import AtDesk, Listening
from reelops.service.routes.problem_answers import PROBLEMS
from reelops.service.routes.waiting import Prefer, answer_with

router = APIRouter(tags=["clips"])


@router.post(
    "/score",
    status_code=HTTPStatus.ACCEPTED,
    response_model=JobAnswer,
    responses={200: {"model": JobAnswer, "description": "Scores and verdict, for whoever waited."}, **PROBLEMS},
    summary="Score a clip",
)
async def score_clip(
    clip: Annotated[UploadFile, File(description="MP4, MOV, WebM, MKV or AVI.")],
    caller: Asking,
    desk: AtDesk,
    news: Listening,
    response: Response,
    picture: Annotated[UploadFile | None, File(description="What it should begin with.")] = None,
    prompt: Annotated[str | None, Form(max_length=MAX_PROMPT, description="What it should show.")] = None,
    profile: Annotated[str | None, Form(max_length=200, description="Whose limits it is held to.")] = None,
    prefer: Prefer = "",
) -> dict[str, Any]:
    """Enters a job that scores and judges a clip. What is not given, the clip says of itself where ReelOps made it."""

    def submit() -> Job:
        caller.require(Scope.SCORE)  # before anything of theirs is kept
        shown = None if picture is None else desk.uploads.keep(picture.file, picture.filename).path
        path, name = desk.uploads.keep_clip(clip.file, clip.filename)
        return desk.submit_score(caller, path, name, shown, prompt, profile)

    job = await run_in_threadpool(submit)
    return await answer_with(job, prefer, caller, desk, news, response)

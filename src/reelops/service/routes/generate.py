"""POST /generate-video: a picture and a sentence become a job, or, for whoever waits, a clip."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Form, Header, Response, UploadFile
from pydantic import ConfigDict, Field, create_model
from starlette.concurrency import run_in_threadpool

from reelops.production.jobs.job import Job
from reelops.production.jobs.queue import HIGHEST_PRIORITY
from reelops.service.access import Asking
from reelops.service.answers import JobAnswer
from reelops.service.callers import Caller, Scope
from reelops.service.desk import JobDesk
from reelops.service.orders import FIELDS, Mode, asked_fields
from reelops.service.routes.desks import AtDesk, Listening
from reelops.service.routes.problem_answers import PROBLEMS
from reelops.service.routes.waiting import Prefer, answer_with

router = APIRouter(tags=["clips"])
_LONGEST_KEY = 255


_Order: Any = create_model("Order", __config__=ConfigDict(extra="forbid"), **asked_fields())


class GenerateForm(_Order):  # type: ignore[misc] # its fields are those of an order, which are declared in one place
    """A picture, a sentence, and whatever else an order may say."""

    image: UploadFile = Field(
        description="The picture that the clip starts from: PNG, JPEG, WebP, AVIF, TIFF, GIF, BMP."
    )
    mode: Mode | None = Field(default=None, description="Another word for the recipe of that name.")
    priority: int = Field(default=0, ge=-HIGHEST_PRIORITY, le=HIGHEST_PRIORITY, description="A higher one goes first.")
    deadline: datetime | None = Field(default=None, description="The job is not begun later; RFC 3339.")
    webhook: str | None = Field(
        default=None, max_length=2000, description="An https address that is told of the job's end."
    )


@router.post(
    "/generate-video",
    status_code=HTTPStatus.ACCEPTED,
    response_model=JobAnswer,
    responses={
        200: {"model": JobAnswer, "description": "The clip, for whoever waited: `Prefer: wait=SECONDS`."},
        **PROBLEMS,
    },
    summary="Ask for a clip",
)
async def generate_video(
    form: Annotated[GenerateForm, Form(media_type="multipart/form-data")],
    caller: Asking,
    desk: AtDesk,
    news: Listening,
    response: Response,
    prefer: Prefer = "",
    idempotency_key: Annotated[
        str | None,
        Header(max_length=_LONGEST_KEY, description="The same key again gives the same job, and no second clip."),
    ] = None,
) -> dict[str, Any]:
    """Enters a job and answers with it at once (202, with its address in `Location`). With `Prefer: wait=SECONDS` the
    answer comes when the clip is there (200), or after so many seconds with the job as it is by then (202)."""
    job = await run_in_threadpool(_submit, desk, caller, form, idempotency_key)
    return await answer_with(job, prefer, caller, desk, news, response)


def _submit(desk: JobDesk, caller: Caller, form: GenerateForm, idempotency_key: str | None) -> Job:
    caller.require(Scope.GENERATE)  # before anything of theirs is kept
    picture = desk.uploads.keep(form.image.file, form.image.filename)
    return desk.submit(
        caller,
        picture,
        {name: getattr(form, name) for name in FIELDS},
        form.mode,
        form.priority,
        None if form.deadline is None else form.deadline.timestamp(),
        idempotency_key,
        form.webhook,
    )

"""/v1/videos: the same jobs in the form in which OpenAI's API has them, for clients that speak it."""

from __future__ import annotations

from functools import lru_cache
from http import HTTPStatus
from pathlib import Path as FilePath
from typing import Annotated, Literal

import av
from fastapi import APIRouter, File, Form, Path, Query, UploadFile
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from reelops.clip import MAX_PROMPT
from reelops.errors import InputError
from reelops.production.jobs.job import GENERATE, IN_LINE, UNKNOWN, Job, NoSuchJobError, State
from reelops.service.access import Asking
from reelops.service.answers import job_answer
from reelops.service.callers import Caller, Scope
from reelops.service.desk import JobDesk
from reelops.service.routes.desks import AtDesk
from reelops.service.routes.problem_answers import PROBLEMS
from reelops.service.stages import share_done

router = APIRouter(prefix="/v1/videos", tags=["OpenAI's form"], responses=PROBLEMS)
PREFIX = "video_"
VideoId = Annotated[str, Path(max_length=80, description="The id of a video, as it was created.")]
_STATUS = {
    State.WAITING.value: "queued",
    State.PAUSED.value: "queued",
    State.RUNNING.value: "in_progress",
    UNKNOWN: "in_progress",
    State.DONE.value: "completed",
    State.REJECTED.value: "completed",  # the clip is there, and `verdict` says what the gate thinks of it
    State.FAILED.value: "failed",
    State.CANCELLED.value: "failed",
}


class VideoError(BaseModel):
    """Why there is no video."""

    code: str
    message: str


class Video(BaseModel):
    """A video, as OpenAI's clients know it, with the scores and the verdict of ours."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    id: str
    object: Literal["video"] = "video"
    model: str = Field(description="The profile.")
    status: Literal["queued", "in_progress", "completed", "failed"]
    progress: int = Field(description="In hundredths, about.")
    prompt: str
    seconds: str
    size: str
    created_at: int
    completed_at: int | None = None
    expires_at: int | None = None
    error: VideoError | None = None
    remixed_from_video_id: str | None = None
    verdict: str | None = None
    temporal_score: float | None = None


class Videos(BaseModel):
    """A page of videos."""

    object: Literal["list"] = "list"
    data: list[Video]
    first_id: str | None
    last_id: str | None
    has_more: bool


class Deleted(BaseModel):
    """A video that is gone."""

    id: str
    object: Literal["video.deleted"] = "video.deleted"
    deleted: bool = True


@router.post("", summary="Create a video", response_model=Video)
async def create_video(
    prompt: Annotated[str, Form(max_length=MAX_PROMPT)],
    caller: Asking,
    desk: AtDesk,
    input_reference: Annotated[UploadFile | None, File(description="The picture that the video starts from.")] = None,
    model: Annotated[str | None, Form(max_length=200, description="A profile; GET /models lists them.")] = None,
    seconds: Annotated[str | None, Form(max_length=10)] = None,
    size: Annotated[str | None, Form(max_length=20, description="Such as 1280x720, or a short side: 720p.")] = None,
) -> Video:
    """Asks for a clip; a picture is needed, as this service makes none from words alone."""
    if input_reference is None:
        raise InputError("input_reference is missing: clips are made from a picture here; send it as a file.")
    picture = input_reference

    def submit() -> Job:
        caller.require(Scope.GENERATE)  # before anything of theirs is kept
        kept = desk.uploads.keep(picture.file, picture.filename)
        fields = {"prompt": prompt, "profile": model, "seconds": seconds, "size": size}
        return desk.submit(caller, kept, fields)

    return _video(desk, await run_in_threadpool(submit))


@router.get("", summary="List videos", response_model=Videos)
def list_videos(
    caller: Asking,
    desk: AtDesk,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    after: Annotated[str | None, Query(max_length=80)] = None,
    order: Literal["asc", "desc"] = "desc",
) -> Videos:
    """Videos of the key's account, the newest first unless `order` is asc."""
    before = None if after is None else _uid(after)
    found = desk.jobs(caller, (), limit + 1, before, oldest_first=order == "asc", kind=GENERATE)
    page = [_video(desk, job) for job in found[:limit]]
    first, last = (page[0].id, page[-1].id) if page else (None, None)
    return Videos(data=page, first_id=first, last_id=last, has_more=len(found) > limit)


@router.get("/{video_id}", summary="Retrieve a video", response_model=Video)
def retrieve_video(video_id: VideoId, caller: Asking, desk: AtDesk) -> Video:
    """How far a video is."""
    return _video(desk, _clip_job(desk, caller, video_id))


@router.delete("/{video_id}", summary="Delete a video", response_model=Deleted)
def delete_video(video_id: VideoId, caller: Asking, desk: AtDesk) -> Deleted:
    """Removes a video that is completed or has failed; one that waits is cancelled first."""
    job = _clip_job(desk, caller, video_id)
    if job.state in IN_LINE:
        desk.cancel(caller, job.uid)
    desk.delete(caller, job.uid)
    return Deleted(id=f"{PREFIX}{job.uid}")


@router.get(
    "/{video_id}/content",
    summary="Download a video",
    response_class=FileResponse,
    responses={200: {"content": {"video/mp4": {}, "image/jpeg": {}}}},
)
def download_video(
    video_id: VideoId, caller: Asking, desk: AtDesk, variant: Literal["video", "spritesheet"] = "video"
) -> FileResponse:
    """The clip, or as `spritesheet` its contact sheet."""
    job = _clip_job(desk, caller, video_id)
    path = desk.clip_of(job) if variant == "video" else desk.contact_sheet_of(job)
    if path is None:
        raise NoSuchJobError(f"{video_id[:80]!r} has no clip: it is {job.shown_state}. Wait until it is completed.")
    return FileResponse(path, HTTPStatus.OK, media_type="video/mp4" if variant == "video" else "image/jpeg")


def _clip_job(desk: JobDesk, caller: Caller, video_id: str) -> Job:
    job = desk.job(caller, _uid(video_id))
    if job.kind != GENERATE:
        raise NoSuchJobError(f"There is no video {video_id[:80]!r}.")
    return job


def _uid(video_id: str) -> str:
    return video_id.removeprefix(PREFIX)


def _video(desk: JobDesk, job: Job) -> Video:
    told, clip = job_answer(job), desk.clip_of(job)
    seconds, size = _measured(clip, clip.stat().st_mtime_ns) if clip else (told["order"].get("seconds"), None)
    failed = _STATUS[job.shown_state] == "failed"
    return Video(
        id=f"{PREFIX}{job.uid}",
        model=told["order"].get("profile", desk.default_profile),
        status=_STATUS[job.shown_state],  # type: ignore[arg-type] # its values are those
        progress=round(100 * share_done(job)),
        prompt=told["order"].get("prompt", ""),
        seconds="" if seconds is None else f"{seconds:g}",
        size=size or told["order"].get("size") or "",
        created_at=int(job.created_at or 0),
        completed_at=int(job.ended_at) if job.ended_at is not None and not failed else None,
        error=VideoError(code=job.state.value, message=job.reason or job.state.value) if failed else None,
        verdict=told["verdict"],
        temporal_score=told["temporal_score"],
    )


@lru_cache(maxsize=4096)
def _measured(clip: FilePath, _mtime_ns: int) -> tuple[float, str]:
    """Seconds and size of a clip of ours, by its header."""
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        return round((container.duration or 0) / 1_000_000, 3), f"{stream.width}x{stream.height}"

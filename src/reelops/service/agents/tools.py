"""What agents can do: ask for clips, follow them, end them, score and compare clips.

A tool is a few lines around the desk. Work goes on in a worker whatever becomes of the agent; no tool waits long,
because clients give a call up after a minute or so.
"""

from __future__ import annotations

import base64
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import anyio
from mcp.server.mcpserver import Context
from mcp.types import CallToolResult, ContentBlock, ImageContent, ResourceLink, TextContent
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from reelops.clip import MAX_PROMPT
from reelops.production.jobs.job import Job, JobStateError, State
from reelops.production.worker_sign import a_worker_runs
from reelops.service.agents.files import AgentFiles
from reelops.service.agents.results import AgentJob, AgentJobs, ClipFile, ClipsCompared, agent_job, compared
from reelops.service.callers import Caller, Scope
from reelops.service.desk import JobDesk
from reelops.service.following import follow
from reelops.service.news import JobNews
from reelops.service.orders import asked_fields
from reelops.service.routes.models import ModelsAnswer
from reelops.service.uploads import Upload

MOST_WAIT_SECONDS = 50
"""Clients end a call after a minute."""
_LONGEST_NAMED = 4096
Ctx = Context[Any, Any]
JobId = Annotated[str, Field(max_length=64, description="The id of a job, as submit_clip gave it.")]
Wait = Annotated[
    float, Field(ge=0, le=MOST_WAIT_SECONDS, description="Wait so many seconds for its end before answering.")
]
PictureBase64 = Annotated[str | None, Field(description="Or the bytes of the picture as base64.")]
PicturePath = Annotated[
    str | None,
    Field(
        description="A picture (PNG, JPEG, WebP, AVIF, TIFF, GIF, BMP) by its path below the folders that this server "
        "may read, or as a file: or data: address."
    ),
]


@dataclass(frozen=True)
class Visitor:
    """Who calls a tool, and from where.

    Attributes:
        base_url: of the API, for who came over HTTP; None: they are on this machine.
    """

    caller: Caller
    base_url: str | None


class AgentTools:
    """The tools, as methods; their names, signatures and docstrings are what agents see.

    Args:
        visitor: finds out who calls.
        files: what may be named and sent.
    """

    def __init__(self, desk: JobDesk, news: JobNews, files: AgentFiles, visitor: Callable[[Ctx], Visitor]) -> None:
        self._desk, self._news, self._files, self._visitor = desk, news, files, visitor
        self.submit_clip = _with_order(self._submit_clip)

    async def _submit_clip(
        self,
        ctx: Ctx,
        picture: PicturePath = None,
        picture_base64: PictureBase64 = None,
        idempotency_key: Annotated[
            str | None, Field(max_length=255, description="The same key again gives the same job, and no second clip.")
        ] = None,
        wait_seconds: Wait = 0.0,
        **order: Any,
    ) -> AgentJob:
        """Ask for a clip from one picture and a sentence.

        Answers at once with the job, which goes on whatever becomes of this conversation: keep its id, and call
        wait_for_job and then get_result. A clip takes from seconds to minutes. The prompt may name a camera move, such
        as "slow zoom in". What is left out is the profile's choice; list_models names profiles, recipes and adapters.
        """
        visitor = self._visitor(ctx)

        def submit() -> Job:
            visitor.caller.require(Scope.GENERATE)  # before anything of theirs is kept
            kept = self._kept_picture(picture, picture_base64)
            return self._desk.submit(visitor.caller, kept, order, idempotency_key=idempotency_key)

        return await self._answer(ctx, visitor, await run_in_threadpool(submit), wait_seconds)

    async def job_status(self, ctx: Ctx, job_id: JobId) -> AgentJob:
        """Look at a job: its state, how far it is, and once it has ended its scores, verdict and reasons."""
        visitor = self._visitor(ctx)
        return await self._answer(ctx, visitor, await run_in_threadpool(self._desk.job, visitor.caller, job_id))

    async def wait_for_job(
        self,
        ctx: Ctx,
        job_id: JobId,
        seconds: Annotated[
            float, Field(ge=0, le=MOST_WAIT_SECONDS, description="Answer after so long at the latest.")
        ] = 25.0,
        cancel_job_with_call: Annotated[
            bool, Field(description="If this call is cancelled, cancel the job, too; else it goes on.")
        ] = False,
    ) -> AgentJob:
        """Wait for the end of a job for a short while, with progress as it goes.

        Answers as soon as the job has ended, and otherwise after `seconds` with the job as it is: call it again. A job
        outlives the call, and a cancelled call ends it only with `cancel_job_with_call`.
        """
        visitor = self._visitor(ctx)
        job = await run_in_threadpool(self._desk.job, visitor.caller, job_id)
        try:
            return await self._answer(ctx, visitor, job, seconds)
        except anyio.get_cancelled_exc_class():
            if cancel_job_with_call:
                with anyio.CancelScope(shield=True):
                    await run_in_threadpool(self._desk.cancel, visitor.caller, job.uid)
            raise

    async def get_result(
        self,
        ctx: Ctx,
        job_id: JobId,
        show: Annotated[bool, Field(description="Show the contact sheet, too: frames spread over the clip.")] = True,
    ) -> Annotated[CallToolResult, AgentJob]:
        """Get what a job that has ended made: links to its clip and contact sheet, scores, verdict and reasons.

        A rejected job has a clip, too. Where no link can be followed, `files` has a path or an address of each.
        """
        visitor = self._visitor(ctx)
        job = await run_in_threadpool(self._desk.job, visitor.caller, job_id)
        if not job.has_ended:
            raise JobStateError(f"{job.uid} is {job.shown_state} and has no result yet; call wait_for_job.")
        answer = await self._answer(ctx, visitor, job)
        content: list[ContentBlock] = [TextContent(type="text", text=answer.model_dump_json())]
        content += [_link(job, file) for file in answer.files]
        sheet = self._desk.contact_sheet_of(job)
        if show and sheet is not None:
            picture = base64.b64encode(await run_in_threadpool(sheet.read_bytes)).decode()
            content.append(ImageContent(type="image", data=picture, mime_type="image/jpeg"))
        return CallToolResult(content=content, structured_content=answer.model_dump(mode="json"))

    async def cancel_job(self, ctx: Ctx, job_id: JobId) -> AgentJob:
        """End a job: at once where it waits, within a step of its work where it runs. One that has ended stays so."""
        visitor = self._visitor(ctx)
        return await self._answer(ctx, visitor, await run_in_threadpool(self._desk.cancel, visitor.caller, job_id))

    async def list_jobs(
        self,
        ctx: Ctx,
        state: Annotated[State | None, Field(description="Those in this state alone.")] = None,
        limit: Annotated[int, Field(ge=1, le=50, description="How many at most.")] = 10,
    ) -> AgentJobs:
        """List jobs, the newest first: also those of earlier conversations, and of before a restart."""
        visitor = self._visitor(ctx)
        states = () if state is None else (state,)
        found = await run_in_threadpool(self._desk.jobs, visitor.caller, states, limit)
        return AgentJobs(jobs=[await self._answer(ctx, visitor, job) for job in found])

    async def score_clip(
        self,
        ctx: Ctx,
        clip: Annotated[
            str | None, Field(description="A video by its path below the folders that this server may read.")
        ] = None,
        clip_base64: Annotated[str | None, Field(description="Or the bytes of the video as base64.")] = None,
        picture: PicturePath = None,
        picture_base64: PictureBase64 = None,
        prompt: Annotated[str | None, Field(max_length=MAX_PROMPT, description="What it should show.")] = None,
        profile: Annotated[str | None, Field(max_length=200, description="Whose limits it is held to.")] = None,
        wait_seconds: Wait = 25.0,
    ) -> AgentJob:
        """Score a clip and judge it: steadiness, motion, light, likeness to a picture and prompt where they are given.

        What is not given, the clip says of itself where ReelOps made it. A job's own clip is scored already.
        """
        visitor = self._visitor(ctx)

        def submit() -> Job:
            visitor.caller.require(Scope.SCORE)
            shown = None
            if picture is not None or picture_base64 is not None:
                shown = self._kept_picture(picture, picture_base64).path
            with self._files.opened("clip", clip, clip_base64) as (file, name):
                path, called = self._desk.uploads.keep_clip(file, name)
            return self._desk.submit_score(visitor.caller, path, called, shown, prompt, profile)

        return await self._answer(ctx, visitor, await run_in_threadpool(submit), wait_seconds)

    async def list_models(self, ctx: Ctx) -> ModelsAnswer:
        """List the profiles, recipes and adapters that submit_clip may name, and the profile where none is named."""
        visitor = self._visitor(ctx)
        return await run_in_threadpool(ModelsAnswer.of, self._desk, visitor.caller)

    async def compare_clips(self, ctx: Ctx, first: JobId, second: JobId) -> ClipsCompared:
        """Hold two jobs' clips beside each other: metric by metric which is better, their verdicts, and what was asked
        differently."""
        visitor = self._visitor(ctx)
        jobs = [await run_in_threadpool(self._desk.job, visitor.caller, uid) for uid in (first, second)]
        for job in jobs:
            if not (job.result or {}).get("scores"):
                raise JobStateError(f"{job.uid} is {job.shown_state} and has no scores; name two jobs that have.")
        return compared(*jobs)

    def _kept_picture(self, named: str | None, sent: str | None) -> Upload:
        with self._files.opened("picture", named, sent) as (file, name):
            return self._desk.uploads.keep(file, name)

    async def _answer(self, ctx: Ctx, visitor: Visitor, job: Job, wait_seconds: float = 0.0) -> AgentJob:
        """The job for the agent; first its end is waited for, with progress."""

        async def tell(share: float, words: str) -> None:
            await ctx.report_progress(round(100 * share, 1), 100.0, words)

        if wait_seconds > 0:
            job = await follow(self._desk, self._news, visitor.caller, job, wait_seconds, tell)

        def told() -> AgentJob:
            return agent_job(self._desk, job, visitor.base_url, a_worker_runs(self._desk.settings.home))

        return await run_in_threadpool(told)


def _link(job: Job, file: ClipFile) -> ResourceLink:
    return ResourceLink(
        type="resource_link",
        uri=file.resource,
        name=f"{job.uid} {file.kind}",
        mime_type=file.media_type,
        size=file.bytes,
    )


def _with_order(tool: Callable[..., Any]) -> Callable[..., Any]:
    """The tool with a parameter for each field of an order, instead of `**order`."""

    async def submit_clip(**given: Any) -> AgentJob:
        answer: AgentJob = await tool(**given)
        return answer

    signature = inspect.signature(tool, eval_str=True)
    own = [one for one in signature.parameters.values() if one.kind is not inspect.Parameter.VAR_KEYWORD]
    asked = [_parameter(name, field) for name, field in asked_fields().items()]
    both = sorted((*own, *asked), key=lambda one: one.default is not inspect.Parameter.empty)  # what is needed first
    parameters = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in both]
    submit_clip.__doc__ = tool.__doc__
    submit_clip.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined] # what is read
    submit_clip.__annotations__ = {one.name: one.annotation for one in parameters}
    return submit_clip


def _parameter(name: str, asked: tuple[Any, Any]) -> inspect.Parameter:
    annotation, field = asked
    default = inspect.Parameter.empty if field.is_required() else field.default
    described = Annotated[annotation, field]  # type: ignore[valid-type] # made here
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=described)

"""The MCP server: the tools and the resources, and one line for whatever goes wrong."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError, ToolError, UnexpectedToolError
from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult, InputRequiredResult, TextContent, ToolAnnotations
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

import reelops
from reelops.errors import Fault, ReelOpsError, did_you_mean, fault_of
from reelops.foreign import reason_of
from reelops.params import describe
from reelops.production.jobs.job import Job, NoSuchJobError
from reelops.service.agents.files import AgentFiles
from reelops.service.agents.results import CLIPS, CONTACT_SHEETS
from reelops.service.agents.tools import AgentTools, Ctx, Visitor
from reelops.service.desk import JobDesk
from reelops.service.news import JobNews

_LOG = logging.getLogger("reelops.service")
_MOST_RESOURCE_BYTES = 32_000_000
"""Of a clip that is handed over as base64, which takes a third more, and that several times in memory."""
_INSTRUCTIONS = (
    "ReelOps makes a short video clip from one picture and a sentence, scores it and judges it. submit_clip enters a "
    "job in a ledger that outlives every process; wait_for_job follows it for a short while (call it again until the "
    "job has ended); get_result links to the clip and shows its contact sheet. A gate judges each clip: accept, review "
    "or reject, with reasons. Every answer says in `next` what to do next."
)
# read only, destructive, idempotent: what clients ask people about
_NATURES = {
    "submit_clip": (False, False, False),
    "job_status": (True, False, True),
    "wait_for_job": (True, False, True),
    "get_result": (True, False, True),
    "cancel_job": (False, True, True),
    "list_jobs": (True, False, True),
    "score_clip": (False, False, False),
    "list_models": (True, False, True),
    "compare_clips": (True, False, True),
}


def build_agent_server(
    desk: JobDesk, news: JobNews, files: AgentFiles, visitor: Callable[[Ctx], Visitor]
) -> AgentServer:
    """The server, which listens nowhere yet.

    Args:
        news: runs while the server does.
        visitor: finds out who calls.
    """
    tools = AgentTools(desk, news, files, visitor)
    with _log_left_alone():
        server = AgentServer([_tool(tools, name) for name in _NATURES])
    _add_resources(server, desk, visitor)
    return server


class AgentServer(MCPServer[Any]):
    """An MCP server whose tools fail in one line that says what to do next.

    Args:
        tools: all that it has.
    """

    def __init__(self, tools: list[Tool]) -> None:
        self._arguments = {tool.name: list(tool.parameters["properties"]) for tool in tools}
        super().__init__(
            name="reelops",
            title="ReelOps",
            version=reelops.__version__,
            instructions=_INSTRUCTIONS,
            tools=tools,
            log_level="WARNING",
        )

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        known = self._arguments.get(name)
        if known is None:
            return _failed(f"There is no tool {name[:80]!r}.{did_you_mean(name, self._arguments)}")
        if unknown := next((one for one in arguments if one not in known), None):
            return _failed(f"{name} has no argument {unknown[:80]!r}.{did_you_mean(unknown, known)}")
        try:
            return await super().call_tool(name, arguments, context)
        except ToolError as error:
            return _failed(_line_of(name, error))


def _line_of(tool: str, error: ToolError) -> str:
    cause = error.__cause__
    if isinstance(cause, ReelOpsError):
        return str(cause)
    if isinstance(cause, ValidationError) and not isinstance(error, UnexpectedToolError):
        return f"{describe(cause)} The tool's schema says what it takes."
    if cause is not None and fault_of(cause) is Fault.MACHINE:
        _LOG.warning("%s: %s", tool, cause)
        return f"The machine that serves this failed: {reason_of(cause)}. Try again in a while."
    _LOG.error("%s failed", tool, exc_info=error)
    return f"{tool} failed, and not by what you gave: the server's log says how. Tell whoever runs it."


def _failed(line: str) -> CallToolResult:
    return CallToolResult(content=[TextContent(type="text", text=" ".join(line.split()))], is_error=True)


def _tool(tools: AgentTools, name: str) -> Tool:
    read_only, destructive, idempotent = _NATURES[name]
    made = Tool.from_function(
        getattr(tools, name),
        annotations=ToolAnnotations(
            title=name.replace("_", " ").capitalize(),
            read_only_hint=read_only,
            destructive_hint=destructive,
            idempotent_hint=idempotent,
            open_world_hint=False,
        ),
    )
    made.parameters["additionalProperties"] = False
    return made


def _add_resources(server: AgentServer, desk: JobDesk, visitor: Callable[[Ctx], Visitor]) -> None:
    async def read(ctx: Ctx, job_id: str, file_of: Callable[[Job], Path | None]) -> bytes:
        caller = visitor(ctx).caller
        try:
            return await run_in_threadpool(_content, file_of, await run_in_threadpool(desk.job, caller, job_id))
        except NoSuchJobError as error:
            raise ResourceNotFoundError(str(error)) from error
        except ReelOpsError as error:
            raise ResourceError(str(error)) from error

    @server.resource(f"{CLIPS}{{job_id}}", name="clip", mime_type="video/mp4")
    async def clip(job_id: str, ctx: Ctx) -> bytes:
        """The clip of a job, as MP4."""
        return await read(ctx, job_id, desk.clip_of)

    @server.resource(f"{CONTACT_SHEETS}{{job_id}}", name="contact sheet", mime_type="image/jpeg")
    async def contact_sheet(job_id: str, ctx: Ctx) -> bytes:
        """Frames spread over the clip of a job, as one JPEG."""
        return await read(ctx, job_id, desk.contact_sheet_of)


def _content(file_of: Callable[[Job], Path | None], job: Job) -> bytes:
    path = file_of(job)
    if path is None:
        raise NoSuchJobError(f"{job.uid} is {job.shown_state} and has no such file; call job_status.")
    if path.stat().st_size > _MOST_RESOURCE_BYTES:
        raise ResourceError(
            f"{path.name} has more than {_MOST_RESOURCE_BYTES / 1e6:g} MB; get_result has a path or an address of it."
        )
    return path.read_bytes()


@contextmanager
def _log_left_alone() -> Iterator[None]:
    """Within it what is built may not change how this process logs, as the SDK's server does."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)

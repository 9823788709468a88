"""Agents as their programs are: the MCP SDK's client, on a pipe to a process of its own or over HTTP."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult

LEGACY, TODAY = "legacy", "auto"
"""Clients that shake hands, as before 2026, and those that do not."""


@asynccontextmanager
async def on_pipe(
    environment: Mapping[str, str], folder: Path, *options: str, mode: str = TODAY
) -> AsyncIterator[Client]:
    """An agent whose program has started `reelops mcp` in a folder; what the server says beside goes to `mcp.log`."""
    command = StdioServerParameters(
        command=sys.executable,
        args=["-m", "reelops.cli", "mcp", "--no-track", *options],
        env=dict(environment),
        cwd=folder,
    )
    with (folder / "mcp.log").open("a") as log:
        async with Client(stdio_client(command, errlog=log), mode=mode) as client:
            yield client


@asynccontextmanager
async def over_http(url: str, secret: str, mode: str = TODAY) -> AsyncIterator[Client]:
    """An agent on the network with a key of the API."""
    headers = {"Authorization": f"Bearer {secret}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60) as network,
        Client(streamable_http_client(f"{url}/mcp", http_client=network), mode=mode) as client,
    ):
        yield client


async def ask(client: Client, tool: str, /, **arguments: Any) -> dict[str, Any]:
    """What a tool answers, as structured content."""
    answer = await client.call_tool(tool, arguments)
    assert not answer.is_error, answer.content
    assert answer.structured_content is not None
    return answer.structured_content


async def refused(client: Client, tool: str, /, **arguments: Any) -> str:
    """The one line with which a tool refuses."""
    answer: CallToolResult = await client.call_tool(tool, arguments)
    assert answer.is_error, answer.structured_content
    (content,) = answer.content
    line: str = content.text  # type: ignore[union-attr] # it is text
    assert "\n" not in line and "Traceback" not in line and line.endswith((".", "?")), line
    return line


async def until(client: Client, job_id: str, *states: str) -> dict[str, Any]:
    """The job once it is in one of these states, by short waits, as agents do."""
    job: dict[str, Any] = {}
    for _ in range(100):
        job = await ask(client, "wait_for_job", job_id=job_id, seconds=0.3 if "running" in states else 10)
        if job["state"] in states:
            return job
    raise AssertionError(json.dumps(job))

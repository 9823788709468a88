"""How agents come in: by a pipe, as whoever uses this machine, or over HTTP with a key of the API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from reelops.service.access import Access, admitted, own_origin, secret_of
from reelops.service.agents.files import AgentFiles
from reelops.service.agents.server import build_agent_server
from reelops.service.agents.tools import Ctx, Visitor
from reelops.service.callers import LOCAL, Caller, NotAllowedError
from reelops.service.desk import JobDesk
from reelops.service.news import JobNews

PATH = "/mcp"
_VISITOR = "reelops.visitor"
_MOST_SESSIONS = 1000
# The app that this is a part of has looked at the name by which it is asked.
_SEEN_TO = TransportSecuritySettings(enable_dns_rebinding_protection=False)


def serve_pipe(desk: JobDesk, files: AgentFiles) -> None:
    """Serves the agent at the other end of stdin and stdout until it goes."""
    news = JobNews(desk.queue)
    local = Visitor(Caller.local(), None)
    server = build_agent_server(desk, news, files, lambda _ctx: local)

    async def run() -> None:
        async with news.running():
            await server.run_stdio_async()

    anyio.run(run)


class HttpDoor:
    """The streamable HTTP transport as a part of the API's app: every request has a key, and no cookie counts.

    Args:
        files: what agents on the network may name: by default nothing on this machine.
        most_bytes: of a request.
    """

    def __init__(self, desk: JobDesk, news: JobNews, access: Access, files: AgentFiles, most_bytes: int) -> None:
        self._server = build_agent_server(desk, news, files, _visitor)
        self._access, self._most_bytes = access, most_bytes
        self._manager: StreamableHTTPSessionManager | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Within it agents are answered."""
        self._server.streamable_http_app(
            transport_security=_SEEN_TO, max_request_body_size=self._most_bytes, max_sessions=_MOST_SESSIONS
        )
        self._manager = self._server.session_manager
        async with self._manager.run():
            yield

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        _require_own_origin(request)
        caller = await admitted(self._access, secret_of(request))
        scope[_VISITOR] = Visitor(caller, str(request.base_url).rstrip("/"))
        # By this a session is bound to the key that began it.
        who = AccessToken(token="", client_id=caller.key or LOCAL, scopes=sorted(caller.scopes), subject=caller.account)
        scope["user"] = AuthenticatedUser(who)
        assert self._manager is not None
        await self._manager.handle_request(scope, receive, send)


def _visitor(ctx: Ctx) -> Visitor:
    request: Request | None = ctx.request_context.request
    assert request is not None  # HTTP always has one
    visitor: Visitor = request.scope[_VISITOR]
    return visitor


def _require_own_origin(request: Request) -> None:
    """Fails where a browser asks for the page of another site, as the protocol wants it.

    Raises:
        NotAllowedError
    """
    origin = request.headers.get("origin")
    if origin is not None and origin != own_origin(request):
        raise NotAllowedError("This was asked by the page of another site, and agents have none. Leave Origin out.")

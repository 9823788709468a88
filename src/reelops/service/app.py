"""The app: built from what it uses, which is handed in."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Query, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool
from starlette.routing import Route

import reelops
from reelops.errors import ReelOpsError
from reelops.service.access import Access, remember
from reelops.service.agents.doors import PATH, HttpDoor
from reelops.service.agents.files import AgentFiles
from reelops.service.background import in_background
from reelops.service.callers import NotKnownError
from reelops.service.desk import JobDesk
from reelops.service.envelope import Envelope
from reelops.service.measures import Measures
from reelops.service.news import JobNews
from reelops.service.problems import Problem, add_handlers
from reelops.service.routes import (
    artifacts,
    events,
    generate,
    health,
    jobs,
    models,
    pictures,
    plan,
    score,
    scores,
    videos,
    votes,
    webhooks,
)
from reelops.service.webhooks import Webhooks

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
"""Where a service listens that this machine alone can reach, and the names by which it is asked then."""
_FORM_BYTES = 1_000_000
"""Of a request beside the file in it."""
_TIDY_SECONDS = 3600.0
_LOG = logging.getLogger("reelops.service")
_RESOURCES = (generate, plan, score, jobs, events, artifacts, pictures, scores, votes, models, videos, webhooks, health)
_DESCRIPTION = (
    "A picture and a sentence become a short clip, scored and judged. Jobs are kept in a ledger that outlives every "
    "process. Problems are told as RFC 9457 has it, each with what to do next."
)


def build_app(
    desk: JobDesk,
    session: str | None = None,
    hosts: Collection[str] | None = LOOPBACK_NAMES,
    further: Collection[APIRouter] = (),
    folders: Sequence[Path] = (),
) -> FastAPI:
    """The API, and beside it the agents' tools.

    Args:
        session: the token of whoever uses this machine itself; None: keys alone are known.
        hosts: names by which it may be asked; None: any.
        further: routes of front ends that stand on the same desk.
        folders: below these agents may name files of this machine.
    """
    news, measures, access = JobNews(desk.queue), Measures(), Access(desk.keys, session)
    most_bytes = desk.limits.most_upload_bytes + _FORM_BYTES
    files = AgentFiles(folders, desk.limits.most_upload_bytes)
    agents = HttpDoor(desk, news, access, files, most_bytes)
    messages = Webhooks(desk.queue, desk.webhook_secrets, desk.limits.webhooks_to_private_addresses)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with news.running(), messages.running(), in_background(_tidy(desk)), agents.open():
            yield

    app = FastAPI(
        title="ReelOps",
        version=reelops.__version__,
        description=_DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,  # they load scripts from elsewhere
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.desk, app.state.news, app.state.measures, app.state.access = desk, news, measures, access
    add_handlers(app)
    for router in (*(resource.router for resource in _RESOURCES), *further):
        app.include_router(router)
    app.router.routes.append(Route(PATH, endpoint=agents))
    app.add_api_route("/session", _begin_session, methods=["GET"], include_in_schema=False)
    app.add_middleware(Envelope, hosts=hosts, most_bytes=most_bytes, observe=measures.observe)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign] # as FastAPI's own documentation does it
    return app


async def _tidy(desk: JobDesk) -> None:
    """Removes what was sent and is not needed any more, now and then."""
    while True:
        try:
            await run_in_threadpool(desk.remove_unused_uploads)
        except ReelOpsError as error:  # the next time will do
            _LOG.warning("%s", error)
        await asyncio.sleep(_TIDY_SECONDS)


async def _begin_session(request: Request, token: Annotated[str, Query(max_length=200)] = "") -> RedirectResponse:
    """Lets a browser of this machine in: the address that `reelops serve` prints leads here, and on to the page."""
    session: str | None = request.app.state.access.session
    if session is None or not secrets.compare_digest(token.encode(), session.encode()):
        raise NotKnownError("The token is not that of this service. Use the address that reelops serve printed.")
    answer = RedirectResponse("/", 303)
    remember(answer, session, request)
    return answer


def _openapi(app: FastAPI) -> dict[str, Any]:
    """The description of the API, with the one schema that all problems have."""
    if app.openapi_schema is None:
        made = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        schemas = made.setdefault("components", {}).setdefault("schemas", {})
        schemas["Problem"] = Problem.model_json_schema()
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        app.openapi_schema = made
    return app.openapi_schema

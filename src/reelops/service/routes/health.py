"""/health, /ready and /metrics: for those who run the service."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel

import reelops
from reelops.errors import MachineError
from reelops.service.access import Asking
from reelops.service.measures import Measures
from reelops.service.routes.desks import AtDesk
from reelops.service.routes.problem_answers import PROBLEMS

router = APIRouter(tags=["running it"])


class Health(BaseModel):
    """The service answers."""

    status: str
    version: str


class Ready(BaseModel):
    """The service can take jobs."""

    status: str


@router.get("/health", summary="Does it answer", response_model=Health)
async def health() -> dict[str, Any]:
    """Says that the service answers; asks for no key and looks at nothing."""
    return {"status": "ok", "version": reelops.__version__}


@router.get("/ready", summary="Can it take jobs", response_model=Ready, responses={503: PROBLEMS[503]})
def ready(desk: AtDesk) -> dict[str, Any]:
    """Says that the ledger answers and that clips have a place; asks for no key."""
    desk.queue.last_event()
    if (problem := desk.settings.problem_of_home) is not None:
        raise MachineError(f"The place of the clips {problem}. Make room, or set REELOPS_HOME.")
    return {"status": "ready"}


@router.get(
    "/metrics",
    summary="Figures for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}, **PROBLEMS},
)
def metrics(request: Request, _caller: Asking, desk: AtDesk) -> Response:
    """Jobs by state, requests by route and status, and how long they took."""
    measures: Measures = request.app.state.measures
    measures.note_jobs(desk.queue.counts())
    return Response(generate_latest(measures.registry), media_type=CONTENT_TYPE_LATEST)

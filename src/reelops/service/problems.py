"""What went wrong as RFC 9457 has it: a problem's type, title and status, what was wrong, and what to do next."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from reelops.errors import Fault, InputError, ReelOpsError, fault_of
from reelops.production.jobs.job import JobStateError, NoSuchJobError
from reelops.production.jobs.queue import QuotaError, ReusedKeyError
from reelops.service.callers import NotAllowedError, NotKnownError
from reelops.service.egress import ForbiddenAddressError
from reelops.service.uploads import TooLargeError

_LOG = logging.getLogger("reelops.service")
MEDIA_TYPE = "application/problem+json"
_KINDS: Mapping[type[ReelOpsError], tuple[HTTPStatus, str]] = {
    NotKnownError: (HTTPStatus.UNAUTHORIZED, "key-not-known"),
    NotAllowedError: (HTTPStatus.FORBIDDEN, "not-allowed"),
    NoSuchJobError: (HTTPStatus.NOT_FOUND, "no-such-job"),
    JobStateError: (HTTPStatus.CONFLICT, "wrong-state"),
    ReusedKeyError: (HTTPStatus.CONFLICT, "idempotency-key-reused"),
    QuotaError: (HTTPStatus.TOO_MANY_REQUESTS, "quota-used-up"),
    TooLargeError: (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-large"),
    ForbiddenAddressError: (HTTPStatus.UNPROCESSABLE_ENTITY, "address-refused"),
    InputError: (HTTPStatus.UNPROCESSABLE_ENTITY, "unusable-input"),
}


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str = Field(description="Which kind of problem, as a path of this service's documentation.")
    title: str
    status: int
    detail: str = Field(description="What was wrong, the value, and what to do next.")
    instance: str = Field(description="The path that was asked for.")
    request_id: str = Field(description="By which the service's log has this request.")
    errors: list[dict[str, Any]] = Field(default=[], description="What is wrong with which field, where several are.")


class TooOftenError(ReelOpsError):
    """A key asks more often than it may."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"This key asks too often. Wait {seconds:.0f} s, or ask for a higher rate.")
        self.seconds = seconds


def problem_body(
    path: str, request_id: str, status: int, kind: str, detail: str, errors: Sequence[Mapping[str, Any]] = ()
) -> bytes:
    """A `Problem` as JSON, with what clients of OpenAI's form look at where they asked."""
    told: dict[str, Any] = {
        "type": f"/problems/{kind}",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "detail": detail,
        "instance": path,
        "request_id": request_id,
        "errors": list(errors),
    }
    if path.startswith("/v1/"):
        told["error"] = {"message": detail, "type": kind, "param": None, "code": kind}
    return json.dumps(told).encode()


def problem(
    request: Request,
    status: int,
    kind: str,
    detail: str,
    errors: Sequence[Mapping[str, Any]] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The answer that says so."""
    request_id = getattr(request.state, "request_id", "")
    body = problem_body(request.url.path, request_id, status, kind, detail, errors)
    return Response(body, status, dict(headers or {}), MEDIA_TYPE)


def add_handlers(app: FastAPI) -> None:
    """Makes problems of whatever handlers raise; what nobody foresaw is logged with its traceback, and told as ours."""

    @app.exception_handler(ReelOpsError)
    async def _ours(request: Request, error: ReelOpsError) -> Response:
        if isinstance(error, TooOftenError):
            wait = {"Retry-After": str(max(1, round(error.seconds)))}
            return problem(request, HTTPStatus.TOO_MANY_REQUESTS, "asked-too-often", str(error), headers=wait)
        kind = next((kind for cls in type(error).mro() if (kind := _KINDS.get(cls)) is not None), None)
        if kind is None:
            machine = fault_of(error) is Fault.MACHINE
            status = HTTPStatus.SERVICE_UNAVAILABLE if machine else HTTPStatus.UNPROCESSABLE_ENTITY
            kind = status, "machine-failed" if machine else "cannot-be-made"
            _LOG.warning("%s %s: %s", request.method, request.url.path, error)
        headers = {"WWW-Authenticate": "Bearer"} if kind[0] is HTTPStatus.UNAUTHORIZED else {}
        if kind[0] is HTTPStatus.TOO_MANY_REQUESTS:
            headers["Retry-After"] = "10"
        return problem(request, *kind, str(error), headers=headers)

    @app.exception_handler(RequestValidationError)
    async def _wrong_fields(request: Request, error: RequestValidationError) -> Response:
        wrong = [
            {"field": ".".join(str(part) for part in one["loc"][1:]) or str(one["loc"][0]), "message": one["msg"]}
            for one in error.errors()
        ]
        first = wrong[0]
        more = f" {len(wrong) - 1} more to mend." if len(wrong) > 1 else ""
        detail = f"{first['field']}: {first['message'].removeprefix('Value error, ')}.{more}"
        return problem(request, HTTPStatus.UNPROCESSABLE_ENTITY, "unusable-input", detail, wrong)

    @app.exception_handler(HTTPException)
    async def _plain(request: Request, error: HTTPException) -> Response:
        kind = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-").replace("'", "")
        told = {
            HTTPStatus.NOT_FOUND: "There is nothing at this path; /openapi.json lists what there is.",
            HTTPStatus.METHOD_NOT_ALLOWED: f"{request.method} is not understood here; /openapi.json lists what is.",
        }.get(HTTPStatus(error.status_code), str(error.detail))
        headers = error.headers
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            headers = {"Allow": ", ".join(sorted(_methods_at(app, request.url.path)))}
        return problem(request, error.status_code, kind, told, headers=headers)

    @app.exception_handler(Exception)
    async def _a_fault(request: Request, error: Exception) -> Response:
        _LOG.error("%s %s failed", request.method, request.url.path, exc_info=error)
        detail = "This is a fault in ReelOps, not in what you sent. Please report it with the id of this request."
        return problem(request, HTTPStatus.INTERNAL_SERVER_ERROR, "fault", detail)


def _methods_at(app: FastAPI, path: str) -> set[str]:
    """Methods of all routes of a path."""
    found: set[str] = set()
    for documented, operations in app.openapi()["paths"].items():
        if re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(documented)), path):
            found |= {method.upper() for method in operations}
    return found

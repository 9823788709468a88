"""The page's own routes: the page with what it shows first, its scripts and styles, and a door for keys."""

from __future__ import annotations

import hashlib
import mimetypes
from functools import cache
from http import HTTPStatus
from importlib import resources
from typing import Annotated, Any

from fastapi import APIRouter, Form, Header, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from reelops.camera.moves import CameraMove
from reelops.pages.build import asset, safe_json, style, template
from reelops.production.jobs.job import GENERATE
from reelops.prompts.press import PRESS, SUBJECTS
from reelops.service.access import COOKIE, Access, remember, require_own_page
from reelops.service.answers import job_answer
from reelops.service.callers import Caller, NotKnownError
from reelops.service.desk import JobDesk
from reelops.service.routes.desks import AtDesk
from reelops.service.routes.models import ModelsAnswer

router = APIRouter(include_in_schema=False)
SIZES = ("480p", "720p", "1080p")
_ASSETS = (".js", ".css", ".svg")
_FIRST_JOBS = 100
_STILL = "still camera"
"""How a sentence asks for no move."""
_REPORT = "report"
"""What a press prompt calls a subject that has no other name."""


@router.get("/", response_model=None)
def show_page(request: Request, desk: AtDesk) -> HTMLResponse:
    """The page for whoever is signed in, else the door."""
    access: Access = request.app.state.access
    secret = request.cookies.get(COOKIE, "")
    if not secret:
        return _door()
    try:
        caller = access.caller_of(secret)
    except NotKnownError:
        return _door("Your key is not valid any more. Sign in with another one.")
    access.count(caller)
    facts = _facts(desk, caller)
    page = template(__package__, "page.html.j2").render(facts=facts, facts_json=safe_json(facts))
    return HTMLResponse(page, headers={"Cache-Control": "no-store"})


@router.post("/sign-in", response_model=None)
def sign_in(request: Request, key: Annotated[str, Form(max_length=1000)]) -> Response:
    """Lets in whoever has a key; the browser keeps it where no script sees it."""
    require_own_page(request)
    access: Access = request.app.state.access
    try:
        access.caller_of(key.strip())
    except NotKnownError:
        return _door("Nobody has this key. Check it, or ask whoever runs the service for another one.")
    answer = RedirectResponse("/", HTTPStatus.SEE_OTHER)
    remember(answer, key.strip(), request)
    return answer


@router.get("/page/{name}", response_model=None)
def get_asset(name: str, if_none_match: Annotated[str, Header(max_length=200)] = "") -> Response:
    """A script or style of the page."""
    found = _assets().get(name)
    if found is None:
        return Response("There is no such file.", HTTPStatus.NOT_FOUND, media_type="text/plain")
    content, etag, kind = found
    headers = {"ETag": etag, "Cache-Control": "no-cache"}
    if if_none_match == etag:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(content, headers=headers, media_type=kind)


@cache
def _assets() -> dict[str, tuple[bytes, str, str]]:
    """Content, ETag and type of each file that a browser asks for; no name leads anywhere else."""
    made = {}
    for file in resources.files(__package__).iterdir():
        if file.name.endswith(_ASSETS):
            text = style(__package__, file.name) if file.name == "page.css" else asset(__package__, file.name)
            content = text.encode()
            kind = "text/javascript" if file.name.endswith(".js") else mimetypes.guess_type(file.name)[0]
            made[file.name] = content, f'"{hashlib.sha256(content).hexdigest()[:16]}"', kind or "text/plain"
    return made


def _door(problem: str | None = None) -> HTMLResponse:
    page = template(__package__, "sign_in.html.j2").render(problem=problem)
    # A form of a page that tells no referrer comes from the origin "null", and we ask that it comes from our own.
    headers = {"Cache-Control": "no-store", "Referrer-Policy": "same-origin"}
    return HTMLResponse(page, HTTPStatus.UNAUTHORIZED, headers)


def _facts(desk: JobDesk, caller: Caller) -> dict[str, Any]:
    """What the page shows first."""
    jobs = desk.jobs(caller, limit=_FIRST_JOBS + 1, kind=GENERATE)  # what scores clips that were sent has none to show
    shown = jobs[:_FIRST_JOBS]
    return {
        "jobs": [job_answer(job) for job in shown],
        "next": f"/jobs?kind={GENERATE}&limit={_FIRST_JOBS}&before={shown[-1].uid}" if len(jobs) > len(shown) else None,
        "queue": [job_answer(job) for job in desk.line(caller)],
        "models": ModelsAnswer.of(desk, caller).model_dump(),
        "limits": {
            "most_upload_mb": desk.limits.most_upload_mb,
            "most_megapixels": desk.limits.most_megapixels,
            "most_seconds": desk.limits.most_seconds,
        },
        "moves": [_STILL if move is CameraMove.STATIC else move.words for move in CameraMove],
        "sizes": list(SIZES),
        "press": PRESS,
        "subjects": [*dict.fromkeys(SUBJECTS.values()), _REPORT],
    }

"""GET and HEAD /artifacts/{filename}: clips and contact sheets, in parts where a player asks for them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Path, Query
from fastapi.responses import FileResponse, Response

from reelops.service.access import Asking
from reelops.service.routes.desks import AtDesk
from reelops.service.routes.problem_answers import PROBLEMS

router = APIRouter(tags=["clips"])
_TYPES = {".mp4": "video/mp4", ".jpg": "image/jpeg"}


@router.api_route(
    "/artifacts/{filename}",
    methods=["GET", "HEAD"],
    summary="Get a clip or its contact sheet",
    response_class=FileResponse,
    responses={
        200: {"content": {"video/mp4": {}, "image/jpeg": {}}},
        206: {"description": "The part that `Range` asks for."},
        304: {"description": "It is as `If-None-Match` says."},
        416: {"description": "There is no such part."},
        **PROBLEMS,
    },
)
def get_artifact(
    filename: Annotated[str, Path(max_length=100, description="As `mp4_path` of a job names it.")],
    caller: Asking,
    desk: AtDesk,
    if_none_match: Annotated[str, Header(max_length=1000)] = "",
    download: Annotated[bool, Query(description="Let browsers save it rather than show it.")] = False,
) -> Response:
    """A file that a job of the key's account has made. `Range`, `If-Range` and `If-None-Match` are understood."""
    path = desk.file(caller, filename)
    seen = path.stat()
    etag = f'"{seen.st_mtime_ns:x}-{seen.st_size:x}"'
    headers = {"ETag": etag, "Cache-Control": "private, max-age=0, must-revalidate"}
    if etag in (one.strip().removeprefix("W/") for one in if_none_match.split(",")) or if_none_match.strip() == "*":
        return Response(status_code=304, headers=headers)
    way = "attachment" if download else "inline"
    return FileResponse(
        path,
        headers=headers,
        media_type=_TYPES[path.suffix],
        filename=filename,
        content_disposition_type=way,
        stat_result=seen,
    )

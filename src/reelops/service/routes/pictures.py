"""GET /jobs/{id}/picture: the picture that a clip starts from, as it was sent."""

from __future__ import annotations

import mimetypes

from fastapi import APIRouter
from fastapi.responses import FileResponse

from reelops.service.access import Asking
from reelops.service.routes.desks import AtDesk
from reelops.service.routes.jobs import Uid
from reelops.service.routes.problem_answers import PROBLEMS

router = APIRouter(tags=["jobs"])


@router.get(
    "/jobs/{uid}/picture",
    summary="Get a job's picture",
    response_class=FileResponse,
    responses={200: {"content": {"image/*": {}}}, **PROBLEMS},
)
def get_picture(uid: Uid, caller: Asking, desk: AtDesk) -> FileResponse:
    """The picture that the job starts from, byte for byte as it was sent."""
    path = desk.picture_of(desk.job(caller, uid))
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    # A file is called by the digest of its bytes, so what stands there never changes.
    return FileResponse(path, media_type=kind, headers={"Cache-Control": "private, max-age=86400, immutable"})

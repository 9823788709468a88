"""GET /plan: what an order would give, before a picture is sent."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from reelops.camera.request import camera_request
from reelops.clip import MAX_PROMPT, DetailWish, PictureFit
from reelops.service.access import Asking
from reelops.service.callers import Scope
from reelops.service.routes.desks import AtDesk
from reelops.service.routes.problem_answers import PROBLEMS

router = APIRouter(tags=["clips"])
_MOST_SIDE = 100_000
_Side = Annotated[int | None, Query(ge=1, le=_MOST_SIDE)]


class PlanAnswer(BaseModel):
    """What an order would give."""

    width: int | None = Field(description="Of the finished clip; null without the picture's size.")
    height: int | None
    num_frames: int | None
    seconds: float | None
    camera: str | None = Field(description="The camera move that the prompt asks for; null where it names none.")
    notes: list[str] = Field(description="What will be otherwise than asked.")


@router.get("/plan", summary="See what an order would give", response_model=PlanAnswer, responses=PROBLEMS)
def plan_clip(
    caller: Asking,
    desk: AtDesk,
    prompt: Annotated[str, Query(max_length=MAX_PROMPT)] = "",
    profile: Annotated[str | None, Query(max_length=200)] = None,
    size: Annotated[str | None, Query(max_length=20)] = None,
    seconds: Annotated[float | None, Query()] = None,
    fit: PictureFit = "crop",
    detail: DetailWish = "auto",
    picture_width: _Side = None,
    picture_height: _Side = None,
) -> dict[str, Any]:
    """The clip's size and length, and the camera move that the prompt is understood to ask for. Nothing is made."""
    caller.require(Scope.READ)
    told: dict[str, Any] = {"width": None, "height": None, "num_frames": None, "seconds": None, "notes": []}
    if picture_width is not None and picture_height is not None:
        fields = {"prompt": prompt.strip() or "static", "profile": profile, "size": size, "seconds": seconds}
        clip, finish = desk.plan({**fields, "fit": fit, "detail": detail}, (picture_width, picture_height))
        told |= {
            "width": finish.width,
            "height": finish.height,
            "num_frames": finish.num_frames,
            "seconds": float(finish.num_frames / clip.fps),
            "notes": list(finish.notes),
        }
    request = camera_request(prompt)
    return {**told, "camera": request.phrase if request.move else None}

"""GET /models: which profiles and adapters orders may name."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from reelops.service.access import Asking
from reelops.service.callers import Scope
from reelops.service.routes.desks import AtDesk
from reelops.service.routes.told import PROBLEMS

router = APIRouter(tags=["clips"])


class ModelsAnswer(BaseModel):
    """What orders may name."""

    profiles: list[str]
    default_profile: str
    adapters: list[str]


@router.get("/models", summary="List profiles and adapters", response_model=ModelsAnswer, responses=PROBLEMS)
def list_models(caller: Asking, desk: AtDesk) -> dict[str, Any]:
    """The names that `profile` and `adapter` of a request may have."""
    caller.require(Scope.READ)
    return {"profiles": desk.profiles(), "default_profile": desk.default_profile, "adapters": desk.adapters()}

"""GET /models: which profiles, recipes and adapters orders may name."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel

from reelops.service.access import Asking
from reelops.service.callers import Caller, Scope
from reelops.service.desk import JobDesk
from reelops.service.routes.desks import AtDesk
from reelops.service.routes.problem_answers import PROBLEMS

router = APIRouter(tags=["clips"])


class ModelsAnswer(BaseModel):
    """What orders may name."""

    profiles: list[str]
    default_profile: str
    recipes: list[str]
    adapters: list[str]

    @classmethod
    def of(cls, desk: JobDesk, caller: Caller) -> ModelsAnswer:
        """What the orders of a caller may name.

        Raises:
            NotAllowedError
        """
        caller.require(Scope.READ)
        return cls(
            profiles=desk.profiles(),
            default_profile=desk.default_profile,
            recipes=desk.recipes(),
            adapters=desk.adapters(),
        )


@router.get("/models", summary="List profiles, recipes and adapters", response_model=ModelsAnswer, responses=PROBLEMS)
def list_models(caller: Asking, desk: AtDesk) -> ModelsAnswer:
    """The names that `profile`, `recipe` and `adapter` of a request may have."""
    return ModelsAnswer.of(desk, caller)

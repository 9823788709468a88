"""GET /webhook-secret: by which a receiver knows that a message is this service's."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from reelops.service.access import Asking
from reelops.service.callers import Scope
from reelops.service.routes.desks import AtDesk
from reelops.service.routes.problem_answers import PROBLEMS

router = APIRouter(tags=["running it"])


class SecretAnswer(BaseModel):
    """The secret of an account."""

    secret: str = Field(description="As Standard Webhooks writes it: whsec_ and base64.")


@router.get("/webhook-secret", summary="Get the secret of webhooks", response_model=SecretAnswer, responses=PROBLEMS)
def get_secret(caller: Asking, desk: AtDesk) -> dict[str, Any]:
    """What messages to the `webhook` of the account's jobs are signed with."""
    caller.require(Scope.GENERATE)
    return {"secret": desk.webhook_secrets.of(caller.account)}

"""/votes: two clips, blind, and what somebody says of them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from reelops.scoring.voting.votes import Better
from reelops.service.access import Asking
from reelops.service.callers import Scope
from reelops.service.routes.desks import AtDesk
from reelops.service.routes.told import PROBLEMS
from reelops.service.voting import Answer, keep_vote, next_pair

router = APIRouter(tags=["votes"], responses=PROBLEMS)
_Address = Annotated[str, Field(max_length=200, description="The clip's path, as the pair named it.")]


class PairAnswer(BaseModel):
    """Two clips to be judged."""

    left: str | None = Field(description="Where the clip is to be had; null where every pair was seen.")
    right: str | None
    pairs: int = Field(description="How many pairs are left.")
    votes: int = Field(description="How many votes the account has given.")


class VoteForm(BaseModel):
    """What somebody says of two clips."""

    model_config = ConfigDict(extra="forbid")

    left: _Address
    right: _Address
    better: Better
    left_usable: bool
    right_usable: bool


@router.get("/votes/pair", summary="Get two clips to vote on", response_model=PairAnswer)
def get_pair(caller: Asking, desk: AtDesk) -> dict[str, Any]:
    """Two clips of the key's account, in random order and on random sides."""
    caller.require(Scope.SCORE)
    return next_pair(desk, caller)


@router.post("/votes", summary="Vote", response_model=PairAnswer)
def add_vote(vote: VoteForm, caller: Asking, desk: AtDesk) -> dict[str, Any]:
    """Keeps the vote, in the table that `reelops gate calibrate` reads, and answers with the next pair."""
    caller.require(Scope.SCORE)
    keep_vote(desk, caller, Answer(**vote.model_dump()))
    return next_pair(desk, caller)

"""/votes: two clips, blind, and what somebody says of them."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from reelops.service.access import Asking
from reelops.service.callers import Scope
from reelops.service.routes.desks import AtDesk
from reelops.service.routes.problem_answers import PROBLEMS
from reelops.service.voting import VoteForm, keep_vote, next_pair

router = APIRouter(tags=["votes"], responses=PROBLEMS)


class PairAnswer(BaseModel):
    """Two clips to be judged."""

    left: str | None = Field(description="Where the clip is to be had; null where every pair was seen.")
    right: str | None
    pairs: int = Field(description="How many pairs are left.")
    votes: int = Field(description="How many votes the account has given.")


@router.get("/votes/pair", summary="Get two clips to vote on", response_model=PairAnswer)
def get_pair(caller: Asking, desk: AtDesk) -> dict[str, Any]:
    """Two clips of the key's account, in random order and on random sides."""
    caller.require(Scope.SCORE)
    return next_pair(desk, caller)


@router.post("/votes", summary="Vote", response_model=PairAnswer)
def add_vote(vote: VoteForm, caller: Asking, desk: AtDesk) -> dict[str, Any]:
    """Keeps the vote, in the table that `reelops gate calibrate` reads, and answers with the next pair."""
    caller.require(Scope.SCORE)
    keep_vote(desk, caller, vote)
    return next_pair(desk, caller)

"""Blind votes on the clips of the service, in the same table and of the same form as those of `reelops vote`."""

from __future__ import annotations

from datetime import UTC, datetime
from math import comb
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from reelops.errors import InputError
from reelops.production.jobs.job import GENERATE, State
from reelops.scoring.voting.pairs import drawn_pairs
from reelops.scoring.voting.votes import VOTES_NAME, Better, Vote, add_vote, read_votes
from reelops.service.callers import Caller
from reelops.service.desk import JobDesk

_MOST_CLIPS = 100
"""The latest of an account; of more nobody sees all pairs."""
_Address = Annotated[str, Field(max_length=200, description="The clip's path, as the pair named it.")]


class VoteForm(BaseModel):
    """What somebody says of two clips."""

    model_config = ConfigDict(extra="forbid")

    left: _Address
    right: _Address
    better: Better
    left_usable: bool
    right_usable: bool


def next_pair(desk: JobDesk, caller: Caller) -> dict[str, Any]:
    """Two clips that the caller has not voted on, those first that were shown least; none where there are none left.

    The addresses say nothing of what the clips are.
    """
    clips = [name for name, _ in _clips(desk, caller)]
    votes = [(vote.left, vote.right) for vote in read_votes(desk.clips / VOTES_NAME) if vote.voter == caller.account]
    seen = {frozenset(pair) for pair in votes if {*pair} <= {*clips}}
    left_over = comb(len(clips), 2) - len(seen)
    pair = next(drawn_pairs(clips, votes, np.random.default_rng()), None) if left_over else None
    left, right = (None, None) if pair is None else (f"/artifacts/{name}" for name in pair)
    return {"left": left, "right": right, "pairs": left_over, "votes": len(votes)}


def keep_vote(desk: JobDesk, caller: Caller, answer: VoteForm) -> None:
    """Adds a vote to the table beside the clips.

    Raises:
        InputError: one of both is no clip of the caller's.
        MachineError: it cannot be written.
    """
    digests = dict(_clips(desk, caller))
    names = [address.rpartition("/")[2] for address in (answer.left, answer.right)]
    if (missing := next((name for name in names if name not in digests), None)) is not None:
        raise InputError(f"{missing[:80]!r} is no clip that can be voted on; ask for the next pair.")
    if names[0] == names[1]:
        raise InputError("A vote is on two clips, and these are one; ask for the next pair.")
    now = datetime.now(UTC).isoformat(timespec="seconds")
    usable = answer.left_usable, answer.right_usable
    left, right = names
    vote = Vote(left, right, digests[left], digests[right], answer.better, *usable, caller.account, now)
    add_vote(desk.clips / VOTES_NAME, vote)


def _clips(desk: JobDesk, caller: Caller) -> list[tuple[str, str]]:
    """Name and digest of the latest clips of the caller."""
    jobs = desk.jobs(caller, (State.DONE, State.REJECTED), _MOST_CLIPS, kind=GENERATE)
    found = ((desk.clip_of(job), (job.result or {}).get("sha256")) for job in jobs)
    return [(clip.name, str(sha256)) for clip, sha256 in found if clip is not None and sha256]

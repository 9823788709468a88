"""GET /jobs/{id}/scores: a clip's scores beside their limits, and every reason with where in the clip it shows."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from reelops.production.jobs.job import NoSuchJobError
from reelops.service.access import Asking
from reelops.service.judged import ScoresAnswer, scores_answer
from reelops.service.routes.desks import AtDesk
from reelops.service.routes.jobs import Uid
from reelops.service.routes.problem_answers import PROBLEMS

router = APIRouter(tags=["jobs"])


@router.get("/jobs/{uid}/scores", summary="Look at a clip's scores", response_model=ScoresAnswer, responses=PROBLEMS)
def get_scores(uid: Uid, caller: Asking, desk: AtDesk) -> dict[str, Any]:
    """The scores of a job's clip with the limits that they are judged by, and the reasons of the verdict, each with the
    moment and the region that it rests on."""
    clip = desk.clip_of(desk.job(caller, uid))
    if clip is None:
        raise NoSuchJobError(f"Job {uid} has no clip; look at its state.")
    return scores_answer(clip, desk.producer.gate)

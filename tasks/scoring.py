"""Scoring and judging as tasks. Both are decided by the clip alone, so nothing is retried."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from reelops import production
from reelops.clip import Clip, ClipOrder
from reelops.gates import Verdict
from reelops.metrics.scores import Scores
from reelops.production import Footage, Scored
from reelops.settings import Settings
from tasks.generation import progress


@task(timeout_seconds=900, cache_policy=NO_CACHE)
def score_clip(clip: Clip, footage: Footage, order: ClipOrder, settings: Settings) -> Scored:
    return production.score(clip, footage, order, settings, progress())


@task(timeout_seconds=60, cache_policy=NO_CACHE)
def judge_clip(scores: Scores, order: ClipOrder, settings: Settings) -> Verdict:
    return production.judge(scores, order, settings)

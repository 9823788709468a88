"""Scoring and judging as tasks. Both are decided by the clip alone, so nothing is retried."""

from __future__ import annotations

from collections.abc import Mapping

from prefect import task
from prefect.cache_policies import NO_CACHE

from reelops import production
from reelops.clip import Clip
from reelops.gates import Verdict
from reelops.production import Footage, Scored
from reelops.settings import Settings


@task(timeout_seconds=900, cache_policy=NO_CACHE)
def score_clip(clip: Clip, footage: Footage) -> Scored:
    return production.score(clip, footage)


@task(timeout_seconds=60, cache_policy=NO_CACHE)
def judge_clip(scores: Mapping[str, float | None], settings: Settings) -> Verdict:
    return production.judge(scores, settings)

"""Jobs that score a clip which was sent: what they ask for, and how a worker does them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reelops.errors import VideoError
from reelops.params import Config
from reelops.production.batch.lanes import OtherWork
from reelops.production.jobs.job import Job
from reelops.progress import RunContext

SCORE = "score"


def score_request(
    clip: Path, name: str, picture: Path | None, prompt: str | None, profile: str | None
) -> dict[str, Any]:
    """What such a job asks for, as plain JSON values; `id` is what the sender calls the clip."""
    return {
        "kind": SCORE,
        "id": name,
        "files": {"clip": str(clip), "picture": None if picture is None else str(picture)},
        "asked": {"prompt": prompt, "profile": profile},
    }


def scoring_of(config: Config) -> OtherWork:
    """Does such jobs in a worker: the clip is decoded and measured there, and its scores are kept."""

    def score(job: Job, context: RunContext) -> Mapping[str, Any]:
        from reelops.scoring.batch import ScoringOrder, score_clips

        files, asked = job.request["files"], job.request["asked"]
        picture = None if files["picture"] is None else Path(files["picture"])
        order = ScoringOrder.of(config, picture=picture, **asked)
        (scored,) = score_clips([Path(files["clip"])], order, context=context)
        if scored.error is not None or scored.verdict is None or scored.scores is None:
            raise VideoError(str(scored.error).replace(files["clip"], str(job.request["id"])))
        verdict = scored.verdict.to_json()
        return {
            "sha256": scored.sha256,
            "verdict": verdict["decision"],
            "reasons": [reason["text"] for reason in verdict["reasons"]],
            "scores": scored.scores.to_json()["scores"],
        }

    return score

"""Jobs as plain JSON, as the API, the page and agents' tools show them: no path of this machine is in them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from reelops.production.jobs.job import Job, JobEvent
from reelops.production.output_names import contact_sheet_of
from reelops.service.score_jobs import SCORE

_PATHS = ("picture", "adapter", "more_adapters")


class ProgressAnswer(BaseModel):
    """How far a job is."""

    stage: str = Field(description="What is done at the moment: load, denoise, decode, detail, write, score, log.")
    done: float
    total: float
    unit: str = Field(description="What is counted: steps, frames; empty where there is nothing to count.")


class JobAnswer(BaseModel):
    """A job."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    id: str
    kind: str = Field(description="generate: a clip is made; score: one that was sent is scored.")
    state: str = Field(
        description="waiting, paused, running, done, rejected (by the gate; the clip is there), failed, cancelled; or "
        "unknown while the process that makes it is not heard of."
    )
    reason: str | None = Field(description="Why it failed, was rejected or cancelled, or waits again.")
    account: str | None
    priority: int
    attempt: int = Field(description="How often it was begun since its last clip.")
    tries: int = Field(description="Clips of it that the gate rejected before.")
    cancel_asked: bool = Field(description="Its end was asked for, and comes within a step of its work.")
    created_at: str | None
    begun_at: str | None
    ended_at: str | None
    deadline: str | None
    progress: ProgressAnswer | None
    order: dict[str, Any] = Field(description="What was asked for; the picture by its name and digest.")
    mp4_path: str | None = Field(description="Where its clip is to be had: a path of this service.")
    contact_sheet_path: str | None
    sha256: str | None = Field(description="Of the clip's bytes.")
    seed: int | None = Field(description="Of the clip: a further try has one of its own.")
    temporal_score: float | None = Field(description="Temporal consistency, 0 to 1; stable from 0.6.")
    scores: dict[str, Any]
    verdict: str | None = Field(description="accept, review or reject.")
    reasons: list[str] = Field(description="Every limit that the clip does not keep to, as a sentence.")
    seconds: dict[str, float] = Field(description="Wall time of each stage.")
    mlflow_run: str | None


class EventAnswer(BaseModel):
    """A line of a job's history."""

    id: int
    at: str
    state: str
    reason: str | None


def job_answer(job: Job) -> dict[str, Any]:
    """A job as plain JSON values; see `JobAnswer`."""
    result: Mapping[str, Any] = job.result or {}
    clip = Path(result["clip"]).name if isinstance(result.get("clip"), str) else None
    scores = result.get("scores") or {}
    return {
        "id": job.uid,
        "kind": job.kind,
        "state": job.shown_state,
        "reason": job.reason,
        "account": job.account,
        "priority": job.priority,
        "attempt": job.attempt,
        "tries": job.tries,
        "cancel_asked": job.cancel_asked is not None and not job.has_ended,
        "created_at": moment(job.created_at),
        "begun_at": moment(job.begun_at),
        "ended_at": moment(job.ended_at),
        "deadline": moment(job.deadline),
        "progress": None if job.progress is None else dict(job.progress),
        "order": order_answer(job),
        "mp4_path": None if clip is None else f"/artifacts/{clip}",
        "contact_sheet_path": None if clip is None else f"/artifacts/{contact_sheet_of(Path(clip)).name}",
        "sha256": result.get("sha256"),
        "seed": result.get("seed"),
        "temporal_score": scores.get("temporal_consistency"),
        "scores": dict(scores),
        "verdict": result.get("verdict"),
        "reasons": list(result.get("reasons") or ()),
        "seconds": dict(result.get("seconds") or {}),
        "mlflow_run": result.get("mlflow_run"),
    }


def order_answer(job: Job) -> dict[str, Any]:
    """What a job asks for, without paths: the picture by its name and digest, an adapter by its name."""
    if job.kind == SCORE:
        return {"clip": {"name": job.request.get("id")}, **dict(job.request.get("asked", {}))}
    order = dict(job.request.get("order", {}))
    shown = {name: value for name, value in order.items() if name not in _PATHS}
    shown["picture"] = {"name": job.request.get("id"), "sha256": Path(str(order.get("picture", ""))).stem}
    if order.get("adapter") is not None:
        shown["adapter"] = Path(str(order["adapter"])).name
    return shown


def event_answer(event: JobEvent) -> dict[str, Any]:
    """A line of a job's history as plain JSON values."""
    return {"id": event.id, "at": moment(event.at), "state": event.state.value, "reason": event.reason}


def moment(seconds: float | None) -> str | None:
    """A time in seconds since the epoch as RFC 3339 has it, in UTC."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")

"""A clip's scores beside the limits that it was judged by, and where in it each reason shows; as plain JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from reelops.errors import InputError
from reelops.foreign import NO_JSON
from reelops.gate.limits import GateSettings, Limit
from reelops.metrics.catalogue import METRICS
from reelops.production.output_names import sidecar_of

_SEVERITY = {"reject": 0, "review": 1}


class PlaceAnswer(BaseModel):
    """Where in a clip a reason shows."""

    frame: int | None = Field(description="From 0; null where the clip as a whole is meant.")
    since: int | None = Field(description="The frame from which on it shows, where it comes slowly.")
    box: list[float] | None = Field(description="Left, top, right and bottom as shares of the picture.")


class ReasonAnswer(BaseModel):
    """One thing that speaks against a clip."""

    metric: str
    title: str
    decision: str = Field(description="What it alone leads to: review or reject.")
    value: float | str | None
    limit: float | str | None
    text: str = Field(description="A sentence for people.")
    place: PlaceAnswer | None


class LimitAnswer(BaseModel):
    """What a score must keep to."""

    reject_below: float | None
    review_below: float | None
    review_above: float | None
    reject_above: float | None


class MeasureAnswer(BaseModel):
    """A score, with its limits where it has some."""

    metric: str
    title: str
    unit: str
    direction: str
    value: float | None
    reason: str | None = Field(description="Why it could not be measured.")
    answer: str = Field(description="review or reject where it speaks against the clip, else ok; empty without limits.")
    low: float | None = Field(description="The least possible value; null: none.")
    high: float | None
    limit: LimitAnswer | None


class ScoresAnswer(BaseModel):
    """A clip's scores, limits and reasons."""

    verdict: str
    num_frames: int
    fps: float
    width: int
    height: int
    reasons: list[ReasonAnswer]
    measures: list[MeasureAnswer] = Field(description="Those that hold the clip back come first.")
    camera: dict[str, Any]
    notes: list[str] = Field(description="What was understood, cropped, or done otherwise than asked.")


def scores_answer(clip: Path, gate: GateSettings) -> dict[str, Any]:
    """What stands beside a clip, with the limits of the gate; see `ScoresAnswer`.

    Raises:
        InputError: nothing stands beside it, or it is damaged.
    """
    try:
        take: Mapping[str, Any] = json.loads(sidecar_of(clip).read_bytes())
        form, verdict = take["format"], take["verdict"]
        facts, frames = take["facts"], form["fps"].partition("/")
        limits = gate.limits_of(take["order"]["profile"], bool(facts.get("detail_carried"))).metrics
        answers = {reason["metric"]: reason["decision"] for reason in verdict["reasons"]}
        measures = [
            _measure(name, value, take["measures"][name].get("reason"), limits.get(name), answers.get(name))
            for name, value in take["scores"].items()
            if name in METRICS
        ]
        return {
            "verdict": verdict["decision"],
            "num_frames": form["num_frames"],
            "fps": float(frames[0]) / float(frames[2] or 1),
            "width": form["width"],
            "height": form["height"],
            "reasons": [_reason(reason) for reason in verdict["reasons"]],
            "measures": sorted(measures, key=lambda one: _SEVERITY.get(one["answer"], 2)),
            "camera": take["camera"],
            "notes": take["notes"],
        }
    except (OSError, LookupError, TypeError, AttributeError, *NO_JSON) as error:
        raise InputError(f"What was known of {clip.name} is not there any more; ask for the clip again.") from error


def _reason(reason: Mapping[str, Any]) -> dict[str, Any]:
    known = METRICS.get(reason["metric"])
    title = known.title if known else reason["metric"].replace("_", " ").capitalize()
    return {**reason, "title": title}


def _measure(
    name: str, value: float | None, why: str | None, limit: Limit | None, decision: str | None
) -> dict[str, Any]:
    known = METRICS[name]
    return {
        "metric": name,
        "title": known.title,
        "unit": known.unit,
        "direction": known.direction,
        "value": value,
        "reason": why,
        "answer": decision or ("ok" if limit else ""),
        "low": _finite(known.low),
        "high": _finite(known.high),
        "limit": None if limit is None else {one: getattr(limit, one) for one in LimitAnswer.model_fields},
    }


def _finite(value: float) -> float | None:
    return value if abs(value) != float("inf") else None

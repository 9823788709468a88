"""The gate: scores and limits become a verdict that names everything that is wrong.

Each metric has its limits in params.yaml, beyond which a clip is looked at by a person or rejected. What could not be
measured is a reason to look, too; what takes a picture that nobody gave is not, unless the clip names one. No reason
is ever dropped: a clip rejected for one thing still says the others.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from reelops.camera.moves import CameraMove
from reelops.clip import ClipFormat
from reelops.gate.bound import Bound
from reelops.gate.decision import Decision
from reelops.gate.limits import GateLimits, Limit
from reelops.gate.timeline import worst_frames
from reelops.metrics.catalogue import METRICS
from reelops.metrics.place import Place
from reelops.metrics.scores import Scores
from reelops.metrics.tracker import Measure

CAMERA = "camera_move"
PICTURE = "picture"


@dataclass(frozen=True)
class Reason:
    """One thing that speaks against a clip.

    Attributes:
        metric: a name of `METRICS`, or `camera_move`, or `picture` where that could not be had.
        decision: what it alone would lead to.
        value: measured; None where it could not be. For `camera_move` the move's name.
        limit: what was wanted at least or at most. For `camera_move` the asked move's name.
        text: a sentence for people.
        place: the moment and the region that it rests on most; None where it speaks of the clip as a whole.
    """

    metric: str
    decision: Decision
    value: float | str | None
    limit: float | str | None
    text: str
    place: Place | None = None

    def __str__(self) -> str:
        return self.text

    def to_json(self) -> dict[str, Any]:
        return {
            "metric": self.metric,
            "decision": self.decision.value,
            "value": self.value,
            "limit": self.limit,
            "text": self.text,
            "place": self.place.to_json() if self.place else None,
        }


@dataclass(frozen=True)
class Verdict:
    """The gate's answer: as bad as the worst reason; accept has none.

    Attributes:
        limits: whose limits were used: a profile's, or `default` where the profile has none of its own.
    """

    decision: Decision
    reasons: tuple[Reason, ...]
    limits: str

    def __str__(self) -> str:
        """The decision, and every reason for it: `review: Sharpness is 5; at least 8 is wanted.`"""
        return ": ".join([self.decision.value, *([" ".join(map(str, self.reasons))] if self.reasons else [])])

    def to_json(self) -> dict[str, Any]:
        return {
            "decision": self.decision.value,
            "reasons": [reason.to_json() for reason in self.reasons],
            "limits": self.limits,
        }


def judge(scores: Scores, limits: GateLimits, missing_picture: str | None = None) -> Verdict:
    """Every reason against a clip, worst first, and the decision that follows from the worst.

    Args:
        missing_picture: the picture that the clip says it started from, where it cannot be had: what would have been
            seen in its light was not, so a person looks.
    """
    reasons = sorted(_reasons(scores, limits), key=lambda reason: -reason.decision.severity)
    if missing_picture is not None:
        text = f"The clip could not be compared with {missing_picture}, the picture it started from, which is not here."
        reasons.append(Reason(PICTURE, Decision.REVIEW, None, None, text))
    return Verdict(reasons[0].decision if reasons else Decision.ACCEPT, tuple(reasons), limits.name)


def _reasons(scores: Scores, limits: GateLimits) -> Iterator[Reason]:
    static_asked = scores.asked_move is CameraMove.STATIC
    excused = _excused(scores, limits) if static_asked else ()
    for name, limit in limits.metrics.items():
        value, measure = scores.get(name), scores.measures.get(name)
        if (measure is not None and not measure.applies) or (limit.unless_move_asked and scores.asked_move):
            continue
        if limit.unless_light_asked and scores.asked_light:
            continue
        if limit.if_static_asked in excused:
            continue
        if value is None or not math.isfinite(value):
            yield _unmeasured(name, scores)
        elif beyond := limit.judge(value, static_asked):
            yield _beyond(name, value, *beyond, measure=measure, limit=limit, form=scores.format)
    if scores.asked_move is not None and scores.measured_move is not scores.asked_move:
        yield _wrong_move(scores.asked_move, scores, limits.wrong_camera_move)


def _excused(scores: Scores, limits: GateLimits) -> tuple[str, ...]:
    """Which values of `if_static_asked` drop a limit, where a static camera was asked for."""
    if scores.measured_move is not CameraMove.STATIC:
        return ()
    motion, limit = scores.get("motion"), limits.metrics.get("motion")
    if motion is None or limit is None or not math.isfinite(motion):
        return ("accept",)
    still = limit.judge(motion, static_asked=True) is not None
    return ("accept", "accept_if_still") if still else ("accept",)


def _beyond(
    name: str, value: float, decision: Decision, bound: Bound, measure: Measure | None, limit: Limit, form: ClipFormat
) -> Reason:
    metric = METRICS[name]
    unit = f" {metric.unit}" if metric.unit else ""
    means = metric.below if bound.side == "at least" else metric.above
    text = f"{metric.title} is {value:.3g}{unit}; {bound} is wanted. {means}".rstrip()
    place = _place_of(name, measure, limit, form.num_frames) if measure else None
    if measure and measure.evidence:
        text = f"{text} Most of all: {measure.evidence}."
    elif place and (where := place.words(float(form.fps))):
        text = f"{text} {'Worst' if place.since is None else 'It shows'} {where}."
    return Reason(name, decision, value, bound.limit, text, place)


def _place_of(name: str, measure: Measure, limit: Limit, num_frames: int) -> Place | None:
    """What the metric says itself, or the worst of its frames."""
    if measure.place is not None or not measure.series:
        return measure.place
    worst = worst_frames(name, measure.series, num_frames, limit)
    return Place(worst[0]) if worst else None


def _unmeasured(name: str, scores: Scores) -> Reason:
    measure = scores.measures.get(name)
    why = (measure.reason if measure else None) or "it gave no number"
    return Reason(name, Decision.REVIEW, None, None, f"{METRICS[name].title} could not be measured: {why}.")


def _wrong_move(asked: CameraMove, scores: Scores, decision: Decision) -> Reason:
    if scores.measured_move is None:
        text = f"The camera was asked to {_done(asked)}; what it did could not be measured: {scores.camera_reason}."
        return Reason(CAMERA, Decision.REVIEW, None, asked.value, text)
    text = f"The camera was asked to {_done(asked)}, and was measured to {_done(scores.measured_move)}."
    return Reason(CAMERA, decision, scores.measured_move.value, asked.value, text)


def _done(move: CameraMove) -> str:
    return "stay still" if move is CameraMove.STATIC else move.words

"""What the page knows of each clip, as JSON values; the page's script reads them when the clip is opened."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from reelops.gate.limits import Limit
from reelops.gate.timeline import first_frame_of, worst_frames
from reelops.gate.verdict import Reason
from reelops.metrics.catalogue import METRICS
from reelops.metrics.place import Place
from reelops.metrics.tracker import Measure
from reelops.pages.pictures import data_uri
from reelops.scoring.report.media import Media
from reelops.scoring.report.thinning import thinned
from reelops.scoring.scored_clip import ScoredClip

_SEVERITY = {"reject": 0, "review": 1}


def clip_facts(clip: ScoredClip, media: Media, link: str | None) -> dict[str, Any]:
    """Everything the page shows of a clip but its video.

    Args:
        link: where the clip's own file is, from the page; None where it cannot be played from there.
    """
    facts: dict[str, Any] = {
        "name": clip.path.name,
        "path": str(clip.path),
        "sha256": clip.sha256,
        "answer": clip.answer,
        "notes": list(clip.notes),
        "error": clip.error,
        "reasons": [],
        "measures": [],
        "lineage": _lineage(clip),
        "picture": data_uri(media.picture) if media.picture else None,
        "frames": {str(number): data_uri(picture) for number, picture in media.frames.items()},
        "media": {"kind": media.kind, "mime": media.mime, "note": media.note, "link": link},
    }
    if clip.scores and clip.verdict:
        form = clip.scores.format
        facts |= {
            "numFrames": form.num_frames,
            "fps": float(form.fps),
            "size": [form.width, form.height],
            "limits": clip.verdict.limits,
            "reasons": [_reason(reason, media) for reason in clip.verdict.reasons],
            "camera": _camera(clip),
            "measures": _measures(clip),
        }
    return facts


def wanted_frames(clip: ScoredClip) -> tuple[int, ...]:
    """Numbers of all frames that the page shows as pictures: the worst of every metric."""
    if not clip.scores or not clip.limits:
        return ()
    frames = clip.scores.format.num_frames
    limits = clip.limits.metrics
    return tuple(
        sorted(
            {
                number
                for name, measure in _shown(clip.scores.measures)
                if measure.series
                for number in worst_frames(name, measure.series, frames, limits.get(name))
            }
        )
    )


def places_of(clip: ScoredClip) -> tuple[Place, ...]:
    """The places in a clip that its reasons point to."""
    reasons = clip.verdict.reasons if clip.verdict else ()
    return tuple(dict.fromkeys(reason.place for reason in reasons if reason.place and reason.place != Place()))


def _reason(reason: Reason, media: Media) -> dict[str, Any]:
    """A reason, with the frame that it points to, marked, as a picture."""
    picture = media.marked.get(reason.place) if reason.place else None
    return reason.to_json() | {"marked": data_uri(picture) if picture else None}


def limit_facts(limit: Limit | None) -> dict[str, float | None]:
    """The four limits, by the names that params.yaml has for them."""
    names = ("reject_below", "review_below", "review_above", "reject_above")
    return {name: getattr(limit, name, None) for name in names}


def _measures(clip: ScoredClip) -> list[dict[str, Any]]:
    """Those that hold the clip back first, worst first."""
    assert clip.scores and clip.verdict and clip.limits
    decisions = {reason.metric: reason.decision.value for reason in clip.verdict.reasons}
    limits = clip.limits.metrics
    measures = [
        _measure(name, measure, limits.get(name), decisions.get(name), clip.scores.format.num_frames)
        for name, measure in _shown(clip.scores.measures)
    ]
    return sorted(measures, key=lambda one: _SEVERITY.get(one["answer"], 2))


def _measure(name: str, measure: Measure, limit: Limit | None, decision: str | None, num_frames: int) -> dict[str, Any]:
    known, shown = METRICS[name], METRICS[name].series
    facts: dict[str, Any] = {
        "metric": name,
        "title": known.title,
        "unit": known.unit,
        "direction": known.direction,
        "value": measure.value,
        "how": measure.how,
        "reason": measure.reason,
        "answer": decision or ("ok" if limit else ""),
        "limit": limit_facts(limit),
        "series": None,
    }
    if measure.series:
        values, step = thinned(measure.series)
        facts |= {
            "series": values,
            "step": step,
            "first": first_frame_of(name, len(measure.series), num_frames),
            "courseTitle": shown.title,
            "courseUnit": shown.unit,
            "limitsDrawn": shown.is_metric,
            "worst": worst_frames(name, measure.series, num_frames, limit),
        }
    return facts


def _shown(measures: Mapping[str, Measure]) -> list[tuple[str, Measure]]:
    return [(name, measure) for name, measure in measures.items() if name in METRICS]


def _camera(clip: ScoredClip) -> dict[str, Any]:
    assert clip.scores
    asked, measured, camera = clip.scores.asked_move, clip.scores.measured_move, clip.scores.camera
    return {
        "asked": asked.words if asked else None,
        "measured": measured.words if measured else None,
        "extent": round(camera.extent, 3) if camera else None,
        "reason": clip.scores.camera_reason,
    }


def _lineage(clip: ScoredClip) -> list[tuple[str, str]]:
    """What made the clip, by its own metadata, and what it was judged with, as rows of words."""
    if clip.origin is None:
        return []
    told = [(name.replace("_", " "), _words(value)) for name, value in clip.origin.lineage.items() if value is not None]
    judged = [("judged with " + name, f"from {source}") for name, source in clip.origin.sources.items()]
    given = [
        (f"{name} given", str(value))
        for name, value in (("picture", clip.origin.picture), ("prompt", clip.origin.prompt))
        if value is not None and name not in clip.origin.sources
    ]
    return [*told, *judged, *given]


def _words(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def commonest(names: Sequence[str]) -> str | None:
    """What occurs most often; the first of equals."""
    return max(dict.fromkeys(names), key=names.count, default=None)

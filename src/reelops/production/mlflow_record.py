"""A take as a run in MLflow."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reelops.clip import ClipFormat
from reelops.production.take import Take
from reelops.tracking.runs import RunRecord


def run_record(take: Take, files: Sequence[Path]) -> RunRecord:
    """Parameters, scores, seconds, memory, verdict and lineage, with the clip and its contact sheet as files."""
    measured = {f"score.{name}": value for name, value in take.scores.items() if value is not None}
    bare = take.bare.scores.items() if take.bare else ()
    measured |= {f"score_of_bare.{name}": value for name, value in bare if value is not None}
    seconds = {f"seconds.{stage}": value for stage, value in take.seconds.items()}
    memory = {f"peak_memory_bytes.{kind}": float(value) for kind, value in take.peak_memory_bytes.items()}
    reasons = [reason.text for reason in take.verdict.reasons]
    facts = {k: v for k, v in take.facts.items() if isinstance(v, str | int | float | bool | None)}
    return RunRecord(
        name=take.clip.path.stem,
        params={**take.order.to_json(), **facts, **_format_json(take.clip.format)},
        metrics={**measured, **seconds, **memory, "seconds.total": sum(take.seconds.values())},
        tags={
            "lineage": str(take.lineage),
            "verdict": take.verdict.decision.value,
            "verdict.reasons": "\n".join(reasons),
            **_both_verdicts(take),
            "clip.sha256": take.clip.sha256,
            "prompt": take.order.prompt,
        },
        files=files,
        note="\n- ".join([f"**{take.verdict.decision.value}**: {take.order.prompt}\n", *reasons]),
        started=take.started,
    )


def _both_verdicts(take: Take) -> dict[str, str]:
    if take.bare is None or take.verdict_on_finished is None:
        return {}
    return {
        "verdict.finished": take.verdict_on_finished.decision.value,
        "verdict.bare": take.bare.verdict.decision.value,
    }


def _format_json(clip_format: ClipFormat) -> dict[str, Any]:
    return {
        "num_frames": clip_format.num_frames,
        "fps": str(clip_format.fps),
        "width": clip_format.width,
        "height": clip_format.height,
    }

"""What is remembered of a scored folder: an MLflow run with its table and report, and a page for people in Prefect."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from reelops.metrics.catalogue import METRICS, METRICS_VERSION
from reelops.pages.markdown import inline
from reelops.scoring.comparison.set_scores import diversity_of
from reelops.scoring.plots import summary
from reelops.scoring.scored_clip import ScoredClip, counts
from reelops.scoring.tables import columns_of
from reelops.tracking.lineage import trace_lineage
from reelops.tracking.runs import RunRecord, TrackedRun

EXPERIMENT = "score-clips"
TABLE = "clips.json"
_MOST_ROWS = 50


def run_record(clips: Sequence[ScoredClip], files: Sequence[Path], project: Path) -> RunRecord:
    """Means and counts as metrics, the table of clips to look at (MLflow keeps ten digits), and files as artifacts.

    Args:
        project: see `trace_lineage`.
    """
    told = summary(clips)
    limits = sorted({clip.verdict.limits for clip in clips if clip.verdict})
    means = {f"mean.{name}": one["mean"] for name, one in told["metrics"].items()}
    sets = {f"set.diversity.{one.features}": one.value for one in diversity_of(clips) if one.value is not None}
    return RunRecord(
        name=f"{len(clips)} clips",
        params={"clips": len(clips), "limits": ", ".join(limits), "metrics_version": METRICS_VERSION},
        metrics={**means, **sets, **{f"clips.{answer}": float(number) for answer, number in told["answers"].items()}},
        tags={"lineage": str(trace_lineage({}, project)), "verdict": worst_answer(clips)},
        files=files,
        tables={TABLE: columns_of(clips)},
        note=_headline(clips),
        experiment=EXPERIMENT,
    )


def worst_answer(clips: Sequence[ScoredClip]) -> str:
    """The answer that the batch as a whole is known by."""
    found = counts(clips)
    return next((answer for answer in ("unreadable", "reject", "review") if found[answer]), "accept")


def markdown(clips: Sequence[ScoredClip], tracked: TrackedRun | None) -> str:
    """The batch as Markdown: how many clips got which answer, what held them back, and which they are."""
    reasons = Counter(reason.metric for clip in clips if clip.verdict for reason in clip.verdict.reasons)
    causes = [f"| {METRICS[name].title if name in METRICS else name} | {n} |" for name, n in reasons.most_common()]
    held_back = [clip for clip in clips if clip.answer != "accept"]
    rows = [f"| {inline(clip.path.name)} | {clip.answer} | {inline(_why(clip))} |" for clip in held_back[:_MOST_ROWS]]
    more = [f"\n{len(held_back) - _MOST_ROWS} more are in the table."] if len(held_back) > _MOST_ROWS else []
    run = [f"\nMLflow run `{tracked.run_id}`: `{tracked.look}`"] if tracked else []
    return "\n".join(
        [
            f"# {_headline(clips)}",
            *(["\n| held back by | clips |\n| --- | --- |", *causes] if causes else []),
            *(["\n| clip | verdict | why |\n| --- | --- | --- |", *rows, *more] if rows else []),
            *run,
        ]
    )


def _headline(clips: Sequence[ScoredClip]) -> str:
    found = ", ".join(f"{number} {answer}" for answer, number in counts(clips).items() if number)
    return f"{len(clips)} clips: {found}"


def _why(clip: ScoredClip) -> str:
    return clip.error or " ".join(reason.text for reason in (clip.verdict.reasons if clip.verdict else ()))

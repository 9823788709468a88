"""Whose score is nearer the truth, where temporal consistency by our flow and by OpenCV's differ?

Nobody knows the true motion of a real clip. So photographs are moved in known ways, about as unevenly as those clips
are: then the true score is known, and so is how far either flow leads from it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from reelops.benchmark.case import Bench, Part
from reelops.benchmark.cases.flow.footage import clip_frames, magnitudes, photograph
from reelops.benchmark.cases.flow.golden import GoldenValues, read_golden
from reelops.benchmark.known_flow import SEQUENCES, KnownSequence
from reelops.benchmark.report import Figures
from reelops.benchmark.table import Table, in_words
from reelops.benchmark.target import Target, at_most
from reelops.metrics.motion.temporal_consistency import consistency_of
from reelops.metrics.settings import load_score_settings
from reelops.optical_flow.tvl1.engine import TvL1
from reelops.optical_flow.working_size import WORKING_ROWS, at_rows
from reelops.progress import RunContext

MOST_APART = 0.05
"""Scores that differ by more are looked into."""

_SIDES = {"true": "in truth", "ours": "by our flow", "opencv": "by OpenCV's"}


def measure_truth(bench: Bench, context: RunContext) -> Figures:
    """`compare_with_truth` on the flow clips and photographs."""
    scale = load_score_settings(bench.config).temporal_scale
    return compare_with_truth(bench.files("clips"), bench.files("pictures"), scale, read_golden(), context)


def compare_with_truth(
    clips: Sequence[Path], pictures: Sequence[Path], scale: float, golden: GoldenValues, context: RunContext
) -> Figures:
    """The clips whose scores differ, how they move by either flow, and both flows on motion that is known.

    Args:
        clips: real clips; those count of which OpenCV's motion is kept.
        pictures: photographs; the first stands still, the last moves.
        scale: the variance that brings temporal consistency down to 1/e.
    """
    ours, rows = TvL1(), list[dict[str, Any]]()
    kept = {path: motion for path in clips if (motion := golden.motion_of(path))}
    for number, (path, by_opencv) in enumerate(kept.items()):
        context.progress("truth", 0.8 * number / len(kept), 1.0, detail=f"motion of {path.name}")
        by_ours = magnitudes(ours.flows(at_rows(gray, WORKING_ROWS) for gray in clip_frames(path)))
        rows.append({"clip": path.name, "ours": _motion(by_ours, scale), "opencv": _motion(by_opencv, scale)})
    context.progress("truth", 0.8, 1.0, detail="motion that is known")
    sequences = [_sequence(one, pictures, ours, scale, golden) for one in SEQUENCES]
    return {
        "apart": [row for row in rows if abs(row["ours"]["score"] - row["opencv"]["score"]) > MOST_APART],
        "compared": len(rows),
        "more_than": MOST_APART,
        "sequences": sequences,
        "error_of_ours": _worst_error(sequences, "ours"),
        "error_of_opencv": _worst_error(sequences, "opencv"),
    }


def _motion(steps: Sequence[float], scale: float) -> dict[str, float]:
    """What the score rests on: the mean motion of each step, px at 480 rows."""
    return {
        "mean": float(np.mean(steps)),
        "most": float(np.max(steps)),
        "variance": float(np.var(steps)),
        "score": consistency_of(steps, scale),
    }


def _sequence(
    sequence: KnownSequence, pictures: Sequence[Path], ours: TvL1, scale: float, golden: GoldenValues
) -> dict[str, Any]:
    pairs = sequence.pairs(photograph(pictures[0]), photograph(pictures[-1]))
    by_ours = magnitudes(ours.flow(*(at_rows(gray, WORKING_ROWS) for gray in pair)) for pair in pairs)
    steps = {"true": sequence.magnitudes, "ours": by_ours, "opencv": golden.steps_of(sequence, pictures)}
    motions = {name: None if found is None else _motion(found, scale) for name, found in steps.items()}
    return {"sequence": sequence.name, **motions, "steps": steps}


def _worst_error(sequences: Sequence[Mapping[str, Any]], side: str) -> float | None:
    """How far a score is from the true one at worst; None where it was not measured."""
    if any(one[side] is None for one in sequences):
        return None
    return float(max(abs(one[side]["score"] - one["true"]["score"]) for one in sequences))


def truth_tables(found: Figures) -> Iterator[Table]:
    rows = [{"what": row["clip"], **_cells(row)} for row in found["apart"]]
    title = f"Clips whose scores by the two flows differ by more than {found['more_than']:g}, of {found['compared']}"
    yield Table.of(title, rows, _columns("Clip", ("ours", "opencv")))
    rows = [{"what": row["sequence"], **_cells(row)} for row in found["sequences"]]
    title = "Photographs moved in known ways, as unevenly"
    if (theirs := found["error_of_opencv"]) is not None:
        nearer = "our flow's is" if found["error_of_ours"] < theirs else "OpenCV's is"
        title += f": {nearer} nearer the true score, ours within {found['error_of_ours']:.2g}, theirs {theirs:.2g}"
    yield Table.of(title, rows, _columns("What moves", ("true", "ours", "opencv")))


def _cells(row: Mapping[str, Any]) -> dict[str, str]:
    """Motion and score, in truth or by either flow, as words by column."""
    cells = {}
    for side in (side for side in _SIDES if side in row):
        motion = row[side]
        cells[f"{side}_motion"] = f"{motion['mean']:.3g} ({motion['most']:.3g})" if motion else in_words(None)
        cells[f"{side}_score"] = in_words(motion["score"] if motion else None)
    return cells


def _columns(what: str, sides: Sequence[str]) -> dict[str, str]:
    motions = {f"Motion {_SIDES[side]}, px: mean (most)": f"{side}_motion" for side in sides}
    return {what: "what", **motions, **{f"Score {_SIDES[side]}": f"{side}_score" for side in sides}}


def truth_targets(found: Figures) -> Iterator[Target]:
    """Our flow is to lead no farther from the true score than OpenCV's does."""
    if (theirs := found["error_of_opencv"]) is not None:
        figure = "error of the score on known uneven motion, at worst; OpenCV's is the limit"
        yield at_most(figure, found["error_of_ours"], theirs)


TRUTH = Part(
    "truth",
    "where scores by the two flows differ: how those clips move, and both scores where motion is known and as uneven",
    30,
    measure_truth,
    truth_tables,
    truth_targets,
    ("clips", "pictures"),
)

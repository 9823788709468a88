"""Whose score is nearer the truth, where temporal consistency by our flow and by OpenCV's differ?

Nobody knows the true motion of a real clip. So photographs are moved in known ways, about as unevenly as those clips
are: then the true score is known, and so is how far either flow leads from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from reelops.benchmark.cases.optical_flow import clip_frames, magnitudes, photograph, sequence_key
from reelops.benchmark.cases.scoring import OnStep
from reelops.benchmark.known_flow import SEQUENCES, KnownSequence
from reelops.metrics.motion.temporal_consistency import consistency_of
from reelops.optical_flow.tvl1.engine import TvL1
from reelops.optical_flow.working_size import WORKING_ROWS, at_rows
from reelops.system.digest import sha256_of

MOST_APART = 0.05
"""Scores that differ by more are looked into."""


def truth(
    clips: Sequence[Path], pictures: Sequence[Path], scale: float, golden: Mapping[str, Any], on_step: OnStep
) -> dict[str, Any]:
    """The clips whose scores differ, how they move by either flow, and both flows on motion that is known.

    Args:
        clips: real clips, of which OpenCV's motion is kept in `golden`.
        pictures: photographs; the first stands still, the last moves.
        scale: the variance that brings temporal consistency down to 1/e.
    """
    ours, rows = TvL1(), list[dict[str, Any]]()
    kept = {path: found["magnitudes"] for path in clips if (found := golden.get("clips", {}).get(sha256_of(path)))}
    for number, (path, by_opencv) in enumerate(kept.items()):
        on_step(f"motion of {path.name}", 0.8 * number / len(kept))
        shown = (at_rows(gray, WORKING_ROWS) for gray in clip_frames(path))
        by_ours = magnitudes(ours.flows(shown))
        rows.append({"clip": path.name, "ours": _motion(by_ours, scale), "opencv": _motion(by_opencv, scale)})
    on_step("motion that is known", 0.8)
    sequences = [_sequence(one, pictures, ours, scale, golden) for one in SEQUENCES]
    return {
        "apart": [row for row in rows if abs(row["ours"]["score"] - row["opencv"]["score"]) > MOST_APART],
        "compared": len(rows),
        "more_than": MOST_APART,
        "sequences": sequences,
        "error_of_ours": _worst(sequences, "ours"),
        "error_of_opencv": _worst(sequences, "opencv"),
    }


def _motion(found: Sequence[float], scale: float) -> dict[str, float]:
    """What the score rests on: the mean motion of each step, px at 480 rows."""
    return {
        "mean": float(np.mean(found)),
        "most": float(np.max(found)),
        "variance": float(np.var(found)),
        "score": consistency_of(found, scale),
    }


def _sequence(
    sequence: KnownSequence, pictures: Sequence[Path], ours: TvL1, scale: float, golden: Mapping[str, Any]
) -> dict[str, Any]:
    pairs = sequence.pairs(photograph(pictures[0]), photograph(pictures[-1]))
    by_ours = magnitudes(ours.flow(*(at_rows(gray, WORKING_ROWS) for gray in pair)) for pair in pairs)
    by_opencv = golden.get("known_sequences", {}).get(sequence_key(sequence, pictures))
    found = {"true": sequence.magnitudes, "ours": by_ours, "opencv": by_opencv}
    return {
        "sequence": sequence.name,
        **{name: None if steps is None else _motion(steps, scale) for name, steps in found.items()},
        "steps": found,
    }


def _worst(sequences: Sequence[Mapping[str, Any]], whose: str) -> float | None:
    """How far a score is from the true one at worst; None where it was not measured."""
    if any(one[whose] is None for one in sequences):
        return None
    return float(max(abs(one[whose]["score"] - one["true"]["score"]) for one in sequences))

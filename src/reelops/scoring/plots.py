"""Files that `dvc metrics` and `dvc plots` read: means of everything, what the set is as a whole, and one row per clip.

metrics.json     dvc metrics show, dvc metrics diff
clips.csv        dvc plots show clips.csv -x clip -y sharpness
clips.json       the same rows
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from reelops.metrics.catalogue import METRICS, METRICS_VERSION
from reelops.scoring.comparison.paired import Comparison
from reelops.scoring.comparison.set_scores import SetScore, diversity_of
from reelops.scoring.scored_clip import ScoredClip, counts
from reelops.scoring.tables import row_of, write_csv
from reelops.system.files import write_text_atomically


def write_plots(clips: Sequence[ScoredClip], folder: Path, comparison: Comparison | None = None) -> list[Path]:
    """Writes the three files, and says where they are.

    Raises:
        MachineError: the folder cannot be written to.
    """
    metrics, rows = folder / "metrics.json", folder / "clips.json"
    _write_json(summary(clips, comparison), metrics)
    _write_json([row_of(clip) for clip in clips], rows)
    write_csv(clips, folder / "clips.csv")
    return [metrics, folder / "clips.csv", rows]


def summary(clips: Sequence[ScoredClip], comparison: Comparison | None = None) -> dict[str, Any]:
    """How many clips got which answer, of each metric mean, median and how many have it, and what the set is."""
    told = {
        "clips": len(clips),
        "answers": counts(clips),
        "metrics_version": METRICS_VERSION,
        "metrics": {name: _summary_of(values) for name in METRICS if (values := values_of(clips, name))},
        "set": {"set_diversity": _by_features(diversity_of(clips))},
    }
    if comparison:
        told["compared"] = {
            "set_diversity_before": _by_features(comparison.old_diversity),
            "frechet_distance": _by_features(comparison.distances),
        }
    return told


def _by_features(scores: Sequence[SetScore]) -> dict[str, dict[str, Any]]:
    return {score.features: score.to_json() for score in scores}


def values_of(clips: Sequence[ScoredClip], metric: str) -> list[float]:
    """What the clips measure, without those that do not have the metric."""
    found = [clip.scores.get(metric) for clip in clips if clip.scores]
    return [value for value in found if value is not None]


def _summary_of(values: Sequence[float]) -> dict[str, float]:
    p05, median, p95 = np.quantile(values, [0.05, 0.5, 0.95]).tolist()
    return {"mean": float(np.mean(values)), "median": median, "p05": p05, "p95": p95, "clips": len(values)}


def _write_json(value: Any, path: Path) -> None:
    write_text_atomically(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")

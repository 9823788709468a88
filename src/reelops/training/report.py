"""The figures of a training run, for `dvc metrics`, and its curves, for `dvc plots`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reelops.system.files import write_csv_atomically, write_text_atomically
from reelops.training.loop import Outcome
from reelops.training.plan import TrainingPlan

_CURVES = {"loss": ("step", "loss", "lr", "grad_norm"), "held_out": ("step", "held_out_loss")}


def training_figures(
    plan: TrainingPlan, outcome: Outcome, seconds: float, peak_bytes: Mapping[str, int]
) -> dict[str, Any]:
    """What reports/train/metrics.json holds; None where a figure was not measured.

    Args:
        seconds: of the whole run, loading included.
        peak_bytes: largest memory, `rss` of the process and `cuda_reserved` where there is a GPU.
    """
    state = outcome.state
    losses = [row["loss"] for row in state.curve if "loss" in row]
    held_out = [row["held_out_loss"] for row in state.curve if "held_out_loss" in row]
    tail = losses[-max(1, len(losses) // 10) :]
    per_step = outcome.step_seconds / outcome.steps_done if outcome.steps_done else None
    waiting = outcome.waited_seconds / outcome.step_seconds if outcome.steps_done else None
    return {
        "steps": state.step,
        "loss": _rounded(sum(tail) / len(tail)) if tail else None,
        "held_out_loss": _rounded(held_out[-1]) if held_out else None,
        "held_out_loss_of_base": _rounded(held_out[0]) if held_out else None,
        "held_out_loss_best": _rounded(state.best_loss),
        "held_out_best_step": state.best_step,
        "trained_numbers": plan.size.trained,
        "trained_share": _rounded(plan.size.share),
        "peak_gb": round(peak_bytes.get("cuda_reserved", peak_bytes["rss"]) / 1e9, 2),
        "planned_gb": round(plan.footprint.peak / 1e9, 2),
        "training_seconds": round(state.seconds, 1),
        "seconds": round(seconds, 1),
        "seconds_per_step": _rounded(per_step),
        "waiting_share": _rounded(waiting),
    }


def report_training(figures: Mapping[str, Any], outcome: Outcome, folder: Path) -> list[Path]:
    """Writes metrics.json and the curves; says where they are."""
    metrics = folder / "metrics.json"
    write_text_atomically(metrics, json.dumps(figures, indent=2) + "\n")
    return [metrics, *(_write_curve(name, outcome, folder / "plots" / f"{name}.csv") for name in _CURVES)]


def _write_curve(name: str, outcome: Outcome, path: Path) -> Path:
    columns = _CURVES[name]
    rows = ([row.get(column) for column in columns] for row in outcome.state.curve if columns[1] in row)
    write_csv_atomically(path, columns, rows)
    return path


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.6g}")

"""What MLflow keeps of a validation: with the run that trained the adapter, or as a run of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reelops.errors import TrackingError
from reelops.foreign import NO_JSON, refuse_machine_fault
from reelops.params import Config
from reelops.tracking.runs import RunRecord, TrackedRun, add_to_run
from reelops.training.paths import REPORTS, RUN_FACTS
from reelops.validation.stage import ValidationResult
from reelops.validation.verdict import AdapterVerdict

EXPERIMENT = "validate-adapter"
PREFIX = "validate"
_MOST_VIDEOS = 4


def training_run(adapter_sha256: str, config: Config) -> str | None:
    """MLflow's id of the run that trained exactly this adapter; None where none is known."""
    try:
        facts = json.loads((config.root / REPORTS / RUN_FACTS).read_text(encoding="utf-8"))
    except (OSError, *NO_JSON) as error:
        refuse_machine_fault(config.root / REPORTS / RUN_FACTS, error)
        return None
    if not isinstance(facts, dict) or facts.get("adapter_sha256") != adapter_sha256:
        return None
    return facts.get("mlflow_run")


def log_validation(
    validated: ValidationResult, figures: Mapping[str, Any], files: Sequence[Path], config: Config
) -> tuple[TrackedRun | None, str | None]:
    """Keeps figures, verdict and files; says where, and why not where MLflow does not take them.

    Args:
        figures: what metrics.json holds.
        files: report, tables and side-by-side videos, of which the first few are kept.
    """
    plan, findings = validated.plan, validated.findings
    failed, checks = [check.name for check in findings.failed], {check.name: str(check) for check in findings.checks}
    verdict = AdapterVerdict(findings.passed, failed, checks)
    videos = [path for path in files if path.suffix == ".mp4"][:_MOST_VIDEOS]
    record = RunRecord(
        name=f"{plan.name} validated",
        params={"adapter": plan.name, "profile": plan.profile.name, "pairs": len(findings.results)},
        metrics=_numbers(figures),
        tags={"lineage": str(validated.lineage), "adapter_sha256": plan.adapter.sha256},
        files=[*(path for path in files if path.suffix != ".mp4"), *videos],
        folder=PREFIX,
        note=verdict.words,
        experiment=EXPERIMENT,
    )
    trained = training_run(plan.adapter.sha256, config)
    try:
        return add_to_run(trained, record, config.mlflow_tracking_uri, verdict.tags), None
    except TrackingError as error:
        return None, str(error)


def _numbers(figures: Mapping[str, Any], above: str = "") -> dict[str, float]:
    """All numbers, those within others by both names."""
    found: dict[str, float] = {}
    for name, value in figures.items():
        if isinstance(value, Mapping):
            found |= _numbers(value, f"{above}{name}/")
        elif isinstance(value, int | float):
            found[f"{above}{name}"] = float(value)
    return found

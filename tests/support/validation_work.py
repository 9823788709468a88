"""Validating on a ground: an adapter of the small model that has been trained for a moment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from training_ground import VALIDATE, Ground, make_ground
from training_work import train_here

from reelops.progress import QUIET, RunContext
from reelops.validation.outputs import report_validation
from reelops.validation.params import ValidateParams
from reelops.validation.plan import ValidationPlan, plan_validation
from reelops.validation.stage import ValidationResult, run_validation
from reelops.validation.verdict import FOLDER


def make_trained(folder: Path, model: Path, **changes: Any) -> Ground:
    """A project whose adapter changes what the model makes; `changes` are those of training."""
    ground = make_ground(folder, model, train_clips=2)
    ground.encode()
    train_here(ground, **{"steps": 6, "lr": 0.05, "held_out": {"every": 0}} | changes)
    return ground


def plan_here(ground: Ground, adapter: Path | None = None, **changes: Any) -> ValidationPlan:
    return plan_validation(ValidateParams.model_validate(VALIDATE | changes), adapter or ground.adapter, ground.config)


def validate_here(
    ground: Ground,
    adapter: Path | None = None,
    context: RunContext = QUIET,
    fresh: bool = False,
    **changes: Any,
) -> ValidationResult:
    """The stage `validate` in this process, its outputs written."""
    validated = run_validation(plan_here(ground, adapter, **changes), ground.config, context, fresh)
    report_validation(validated, ground.config.root / FOLDER)
    return validated

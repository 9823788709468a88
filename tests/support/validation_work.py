"""Validating on a ground: an adapter of the small model that has been trained for a moment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from training_ground import VALIDATE, Ground, make_ground
from training_work import train_here

from reelops.validation.outputs import write_outputs
from reelops.validation.params import ValidateParams
from reelops.validation.stage import Plan, Validated, plan_validation, validate_adapter
from reelops.validation.verdict import FOLDER


def make_trained(folder: Path, model: Path, **changes: Any) -> Ground:
    """A project whose adapter changes what the model makes; `changes` are those of training."""
    ground = make_ground(folder, model, train_clips=2)
    ground.encode()
    train_here(ground, **{"steps": 6, "lr": 0.05, "held_out": {"every": 0}} | changes)
    return ground


def plan_here(ground: Ground, adapter: Path | None = None, **changes: Any) -> Plan:
    return plan_validation(ValidateParams.model_validate(VALIDATE | changes), adapter or ground.adapter, ground.config)


def validate_here(ground: Ground, adapter: Path | None = None, **changes: Any) -> Validated:
    """The stage `validate` in this process, its outputs written; `should_stop` and the like go to it."""
    asked = {name: changes.pop(name) for name in ("fresh", "on_progress", "should_stop") if name in changes}
    validated = validate_adapter(plan_here(ground, adapter, **changes), ground.config, **asked)
    write_outputs(validated, ground.config.root / FOLDER)
    return validated

"""What a clip that is kept is found again by: everything that decides its frames."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from validation_work import plan_here

from reelops.system.making import Making, making_of
from reelops.validation import plan as module
from reelops.validation.clip_cache import ClipKey, Conditions


@pytest.fixture(scope="module")
def plan(trained: Any) -> module.ValidationPlan:
    return plan_here(trained)


def otherwise(value: Any) -> Any:
    if isinstance(value, bool) or value is None:
        return not value
    if isinstance(value, str):
        return f"another {value}"
    if isinstance(value, Making):
        return replace(value, libraries=("diffusers 99",))
    return replace(value, num_frames=17) if hasattr(value, "num_frames") else value + 1


@pytest.mark.parametrize("name", [field.name for field in fields(Conditions)])
def test_every_condition_is_in_a_clips_key(name: str, plan: module.ValidationPlan) -> None:
    key = plan.key(plan.trials[0], "base")
    conditions = replace(key.conditions, **{name: otherwise(getattr(key.conditions, name))})
    assert replace(key, conditions=conditions).digest != key.digest == replace(key).digest


@pytest.mark.parametrize("name", [field.name for field in fields(ClipKey) if field.name != "conditions"])
def test_every_input_is_in_a_clips_key(name: str, plan: module.ValidationPlan) -> None:
    key = plan.key(plan.trials[0], "adapter")
    assert replace(key, **{name: otherwise(getattr(key, name))}).digest != key.digest


def test_clips_are_kept_by_the_code_and_libraries_that_make_and_encode_them(plan: module.ValidationPlan) -> None:
    names = {one.split()[0] for one in plan.conditions.making.libraries}
    assert {"torch", "diffusers", "transformers", "peft", "av"} <= names
    assert plan.conditions.making == making_of("reelops.production.producer", apart_from=module._LATER)


def test_the_reload_gates_answer_is_kept_by_all_of_that_and_its_own_code(
    plan: module.ValidationPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = plan.trials[0]
    before = plan.reload_key(trial)
    assert {"torch", "diffusers", "transformers", "peft"} <= {one.split()[0] for one in before["making"]["libraries"]}
    monkeypatch.setattr(module, "making_of", lambda *_, **__: Making("of tomorrow", ()))
    assert plan.reload_key(trial) != before
